import numpy as np
import pytest
import torch
from evaluation_parts import Quadrants, random_images, random_rows, write_images

from reacgan_plugin.evaluation.features import View
from reacgan_plugin.evaluation.folders import ImageFolder
from reacgan_plugin.evaluation.ranks import Ranks
from reacgan_plugin.evaluation.reals import DatasetImages
from reacgan_plugin.evaluation.reference import (
    DatasetReference,
    FileReference,
    default_cache,
    read_rows,
    write_rows,
)


class Counted(Quadrants):
    """Counts the images that it looks at."""

    def __init__(self, size=None):
        super().__init__(size)
        self.looked_at = 0

    def forward(self, image):
        self.looked_at += len(image)
        return super().forward(image)


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / 'reals', random_images(9), classes=3)


def rows_of(folder, cache, extractor=None, resizer='tf', **options):
    extractor = extractor or Counted()
    source = DatasetImages(ImageFolder(folder))
    reference = DatasetReference(source, cache_dir=cache, **options)
    return reference.rows(View(extractor, resizer, 4), Ranks()), extractor.looked_at


def test_rows_of_known_images_are_looked_up(folder, tmp_path):
    first, looked_at = rows_of(folder, tmp_path / 'cache')
    assert looked_at == 9
    second, looked_at = rows_of(folder, tmp_path / 'cache')
    assert looked_at == 0
    assert torch.equal(first.features, second.features)
    assert second.labels.tolist() == first.labels.tolist()
    assert (second.count, second.name) == (9, first.name)
    for ours, theirs in zip(first.fitted(), second.fitted(), strict=True):
        assert np.array_equal(ours, theirs)


@pytest.mark.parametrize('options', [
    dict(extractor=Counted(5)), dict(resizer='clean'), dict(keep=4),
])  # fmt: skip
def test_another_way_of_looking_looks_again(folder, tmp_path, options):
    rows_of(folder, tmp_path / 'cache')
    assert rows_of(folder, tmp_path / 'cache', **options)[1] == 9


def test_another_image_looks_again(folder, tmp_path):
    rows_of(folder, tmp_path / 'cache')
    write_images(tmp_path / 'reals' / 'class_1', random_images(1, seed=5))
    assert rows_of(folder, tmp_path / 'cache')[1] == 10


def test_a_broken_file_is_made_anew(folder, tmp_path):
    first, _ = rows_of(folder, tmp_path / 'cache')
    (file,) = (tmp_path / 'cache').iterdir()
    file.write_bytes(file.read_bytes()[:100])
    second, looked_at = rows_of(folder, tmp_path / 'cache')
    assert looked_at == 9 and torch.equal(first.features, second.features)
    assert rows_of(folder, tmp_path / 'cache')[1] == 0


def test_without_a_folder_nothing_is_kept(folder, tmp_path):
    assert rows_of(folder, None)[1] == rows_of(folder, None)[1] == 9


def test_a_folder_that_cannot_be_written_costs_no_number(folder, tmp_path):
    (tmp_path / 'file').write_text('')
    rows, _ = rows_of(folder, tmp_path / 'file' / 'cache')
    assert len(rows.features) == 9


def test_of_a_large_set_evenly_spaced_rows_are_kept(folder, tmp_path):
    whole, _ = rows_of(folder, None)
    for _ in range(2):  # the second time from the file
        part, _ = rows_of(folder, tmp_path / 'cache', keep=3)
        assert part.count == 9 and torch.equal(part.features, whole.features[::4])
        assert part.labels.tolist() == whole.labels[::4].tolist()
        assert np.allclose(part.fitted().mean, whole.fitted().mean)
        assert np.allclose(part.fitted().covariance, whole.fitted().covariance)


def test_mean_and_covariance_as_the_field_stores_them_are_read(tmp_path):
    rows = random_rows(20)
    mean, covariance = rows.fitted()
    path = tmp_path / 'stats.npz'
    np.savez(path, mu=mean.astype(np.float32), sigma=covariance, mu_s=0)
    reference = FileReference(path)
    found = reference.rows(None, Ranks())
    assert found.gaussian.mean.dtype == np.float64
    assert np.allclose(found.gaussian.mean, mean)
    assert (found.features, found.labels, found.count) == (None, None, None)
    assert reference.name == found.name == 'stats.npz'


def test_a_file_that_was_kept_can_be_given_to_others(tmp_path):
    rows = random_rows(20)
    write_rows(rows, tmp_path / 'kept.npz')
    found = read_rows(tmp_path / 'kept.npz', 'kept')
    assert torch.equal(found.features, rows.features)
    assert found.labels.tolist() == rows.labels.tolist() and found.count == 20
    assert [path.name for path in tmp_path.iterdir()] == ['kept.npz']


@pytest.mark.parametrize('content, message', [
    (dict(mu=np.zeros(3)), 'has mu; it must have mu and sigma'),
    (dict(images=np.zeros(3)), 'has nothing known; it must have mu and sigma'),
    (dict(mu=np.zeros(3), sigma=np.zeros((2, 2))), r'mu \(3,\) and sigma \(2, 2\)'),
    (dict(mu=np.array([None, {}]), sigma=np.zeros((2, 2))), 'is no .npz of arrays'),
])  # fmt: skip
def test_files_of_something_else_are_refused(tmp_path, content, message):
    np.savez(tmp_path / 'bad.npz', **content)
    with pytest.raises(ValueError, match=message):
        FileReference(tmp_path / 'bad.npz')


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match='nowhere.npz does not exist'):
        FileReference(tmp_path / 'nowhere.npz')
    with pytest.raises(ValueError, match='is a folder, not a file'):
        FileReference(tmp_path)


def test_the_usual_place_may_be_moved_by_a_variable(monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', '/somewhere')
    assert str(default_cache()) == '/somewhere/reacgan_plugin'
    monkeypatch.delenv('XDG_CACHE_HOME')
    assert default_cache().parts[-2:] == ('.cache', 'reacgan_plugin')
