import numpy as np
import pytest
from PIL import Image

from reacgan_plugin.checking.images import SAMPLE, survey
from reacgan_plugin.data.class_folder import ClassFolder
from reacgan_plugin.data.digits import Digits
from reacgan_plugin.data.skip_broken import SkipBroken

PIPELINE = [dict(type='LoadImage'), dict(type='PackImage')]


@pytest.fixture
def folder(tmp_path):
    """Two classes: images in three modes and two sizes, one file cut short."""
    for name in ('a', 'b'):
        (tmp_path / name).mkdir()
    for number, (mode, size) in enumerate(
        [('RGB', (8, 6)), ('L', (8, 6)), ('L', (4, 4))]
    ):
        Image.new(mode, size, 7).save(tmp_path / 'a' / f'{number}.png')
    Image.new('RGBA', (8, 6)).save(tmp_path / 'b' / '0.png')
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / 'b' / '1.png')
    whole = (tmp_path / 'b' / '1.png').read_bytes()
    (tmp_path / 'b' / '1.png').write_bytes(whole[: len(whole) // 2])
    return tmp_path


@pytest.mark.parametrize('workers', [0, 2])
def test_modes_and_sizes_of_files_are_counted_and_broken_ones_named(folder, workers):
    found = survey(ClassFolder(folder, pipeline=PIPELINE), workers=workers)
    assert found.images == 5
    assert found.modes == {'L': 2, 'RGB': 1, 'RGBA': 1}
    assert found.sizes == {(8, 6): 3, (4, 4): 1}
    assert found.shapes == {(3, 6, 8): 3, (3, 4, 4): 1}
    (broken,) = found.broken
    assert 'cannot read the image' in broken and 'b/1.png' in broken


def test_what_training_would_pass_over_is_seen_too(folder):
    dataset = SkipBroken(ClassFolder(folder, pipeline=PIPELINE))
    assert len(survey(dataset).broken) == 1


def test_a_sample_is_spread_over_the_data_set_and_all_is_all():
    asked = []

    class Watched(Digits):
        def load(self, index):
            asked.append(index)
            return super().load(index)

    dataset = Watched('all', pipeline=PIPELINE)
    found = survey(dataset)
    assert found.images == SAMPLE < len(dataset)
    assert {0, len(dataset) - 1} <= set(asked) and len(set(asked)) == SAMPLE
    assert found.modes == {'RGB array': SAMPLE}
    assert survey(dataset, everything=True).images == len(dataset)


def test_a_data_set_without_files_is_known_by_what_it_gives():
    pairs = [dict(image=np.zeros((3, 4, 4)), label=0)] * 2
    found = survey(pairs)
    assert found.shapes == {(3, 4, 4): 2}
    assert not found.modes and not found.sizes and not found.broken
