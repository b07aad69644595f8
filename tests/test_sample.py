import io
import json
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from sampled_generators import biggan
from sampled_runs import edited
from tiny_runs import arguments

from reacgan_plugin import sample, train
from reacgan_plugin.checkpoint import read_checkpoint, write_checkpoint
from reacgan_plugin.data import load_digit_images
from reacgan_plugin.sampling import jobs, load_generator

TILE = 33  # a sample and a line


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp('run')
    assert train.run(arguments(folder, train_cfg__max_iters=1)) == 0
    return str(folder / 'iter_1.pth')


def sampled(out, *words: str) -> np.ndarray:
    """Pixels of the picture that a command writes."""
    assert sample.run([*words, '--out', str(out)]) == 0
    with Image.open(out) as picture:
        return np.asarray(picture.convert('RGB'))


def test_samples_of_a_class_make_one_picture(checkpoint, tmp_path):
    """R49: of a checkpoint alone, by one command."""
    out = tmp_path / 'new' / 'x.png'
    picture = sampled(out, checkpoint, '--class', '3', '--num', '16')
    assert picture.shape == (4 * TILE + 1, 4 * TILE + 1, 3)


def test_without_a_class_there_is_a_row_for_each(checkpoint, tmp_path):
    picture = sampled(tmp_path / 'x.png', checkpoint, '--num', '2')
    assert picture.shape == (10 * TILE + 1, 2 * TILE + 1, 3)


def test_of_many_classes_the_first_ones_are_drawn(
    checkpoint, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr(jobs, 'MOST_ROWS', 3)
    picture = sampled(tmp_path / 'x.png', checkpoint, '--num', '2')
    assert picture.shape == (3 * TILE + 1, 2 * TILE + 1, 3)
    assert 'the first 3 of 10 classes, others by --class' in capsys.readouterr().out
    words = [word for digit in '01234' for word in ('--class', digit)]
    picture = sampled(tmp_path / 'x.png', checkpoint, '--num', '2', *words)
    assert picture.shape == (5 * TILE + 1, 2 * TILE + 1, 3)
    assert 'the first' not in capsys.readouterr().out


def test_a_name_with_a_slash_is_a_folder(checkpoint, tmp_path):
    words = [checkpoint, '--num', '1', '--class', '3', '--out', f'{tmp_path}/q.png/']
    assert sample.run(words) == 0
    assert [path.name for path in (tmp_path / 'q.png').iterdir()] == ['3']


def test_a_generator_that_takes_no_class_has_none_to_choose(
    checkpoint, tmp_path, capsys, monkeypatch
):
    model, names = sample.load_model(checkpoint)
    model.generator_ema = biggan(num_classes=None)
    loaded = 'reacgan_plugin.sampling.loading.load_model'
    monkeypatch.setattr(loaded, lambda *words, **options: (model, names))
    picture = sampled(tmp_path / 'x.png', checkpoint)
    assert picture.shape == (4 * 17 + 1, 4 * 17 + 1, 3)  # 16, and no row a class
    out = ['--out', str(tmp_path / 'x.png')]
    assert sample.run([checkpoint, '--class', '3', *out]) == 2
    assert "class '3' does not exist; allowed: 0..0" in capsys.readouterr().err


def test_the_seed_decides_the_picture(checkpoint, tmp_path):
    pictures = [
        sampled(tmp_path / 'x.png', checkpoint, '--num', '1', '--seed', seed)
        for seed in ('1', '1', '2')
    ]
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


def test_a_list_of_seeds_gives_each_class_one_sample_a_seed(checkpoint, tmp_path):
    words = [checkpoint, '--class', '3', '--class', '7', '--seed', '5,9-10']
    picture = sampled(tmp_path / 'x.png', *words)
    assert picture.shape == (2 * TILE + 1, 3 * TILE + 1, 3)
    words = [checkpoint, '--class', '7', '--seed', '9', '--num', '1']
    alone = sampled(tmp_path / 'y.png', *words)
    assert np.array_equal(picture[TILE:, TILE : 2 * TILE + 1], alone)


@pytest.mark.parametrize('words', [['--truncation', '0.1'], ['--raw']])
def test_another_picture_of_the_same_seed(checkpoint, tmp_path, words):
    common = [checkpoint, '--num', '1']
    if words == ['--raw']:  # the average is a copy until the 100th iteration
        content = read_checkpoint(checkpoint)
        content['state_dict']['generator.output.bias'] += 1
        common[0] = str(tmp_path / 'moved.pth')
        write_checkpoint(content, common[0])
    first, second, third = (
        sampled(tmp_path / 'x.png', *common, *more) for more in ([], words, words)
    )
    assert np.array_equal(second, third) and not np.array_equal(first, second)


def test_samples_come_from_the_averaged_weights(checkpoint):
    model, names = sample.load_model(checkpoint)
    z, label = torch.randn(2, model.generator.z_dim), torch.tensor([1, 2])
    assert torch.equal(model(z, label), model.generator_ema(z, label))
    assert names == [str(digit) for digit in range(10)]
    generator = load_generator(checkpoint, device='cpu').generator
    assert not generator.training
    assert torch.equal(generator(z, label), model(z, label))


def test_compiled_runs_are_sampled_without_a_compiler(checkpoint, tmp_path):
    compiled = edited(checkpoint, tmp_path / 'x.pth', model__compile={})
    generator = load_generator(compiled, raw=True, device='cpu').generator
    assert generator._compiled_call_impl is None


def test_every_sample_of_a_folder_can_be_drawn_again_by_its_name(checkpoint, tmp_path):
    """R49: PNGs of a class."""
    out = tmp_path / 'fakes'
    words = [checkpoint, '--num', '2', '--seed', '40', '--out', str(out)]
    assert sample.run([*words, '--batch', '3']) == 0
    files = sorted(str(path.relative_to(out)) for path in out.rglob('*.png'))
    assert len(files) == 20
    assert files[:3] == [
        '0/class0_seed000040.png',
        '0/class0_seed000041.png',
        '1/class1_seed000042.png',
    ]
    words = [checkpoint, '--class', '9', '--num', '1', '--seed', '59']
    again = sampled(tmp_path / 'x.png', *words)[1:-1, 1:-1]
    with Image.open(out / '9' / 'class9_seed000059.png') as image:
        written = np.asarray(image)
    assert np.abs(again.astype(int) - written).max() <= 1


def test_an_archive_has_the_samples_of_a_folder_and_their_labels(checkpoint, tmp_path):
    common = [checkpoint, '--num', '2', '--class', '7', '--class', '2']
    for out in ('x.zip', 'x'):
        assert sample.run([*common, '--out', str(tmp_path / out)]) == 0
    with zipfile.ZipFile(tmp_path / 'x.zip') as archive:
        labels = json.loads(archive.read('dataset.json'))['labels']
        assert [label for _, label in labels] == [7, 7, 2, 2]
        for name, _ in labels:
            with Image.open(io.BytesIO(archive.read(name))) as image:
                stored = np.asarray(image)
            with Image.open(tmp_path / 'x' / name) as image:
                assert np.array_equal(stored, np.asarray(image))


@pytest.mark.parametrize('out', ['x.zip', 'x'])
def test_what_is_there_is_not_overwritten_unless_asked(
    checkpoint, tmp_path, capsys, out
):
    words = [checkpoint, '--num', '1', '--class', '0', '--out', str(tmp_path / out)]
    assert sample.run(words) == 0
    capsys.readouterr()
    assert sample.run(words) == 2
    error = capsys.readouterr().err
    assert '--overwrite' in error and error.count('\n') == 1
    assert sample.run([*words, '--overwrite']) == 0
    # known before the checkpoint is read
    assert sample.run(['nowhere.pth', *words[1:]]) == 2
    assert '--overwrite' in capsys.readouterr().err


def test_grids_are_a_picture_for_each_class(checkpoint, tmp_path):
    out = tmp_path / 'grids'
    assert sample.run([checkpoint, '--grids', '--num', '4', '--out', str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == [
        f'{digit}.png' for digit in range(10)
    ]
    words = [checkpoint, '--class', '1', '--num', '4', '--seed', '4']
    alone = sampled(tmp_path / 'x.png', *words)
    with Image.open(out / '1.png') as picture:
        assert np.array_equal(np.asarray(picture), alone)


def test_the_way_between_classes_is_a_strip_or_an_animation(checkpoint, tmp_path):
    words = [checkpoint, '--interpolate', 'class', '3', '7', '3', '--frames', '4']
    strip = sampled(tmp_path / 'x.png', *words, '--num', '2')
    assert strip.shape == (2 * TILE + 1, 7 * TILE + 1, 3)
    sampled(tmp_path / 'x.gif', *words, '--num', '1')
    with Image.open(tmp_path / 'x.gif') as animation:
        assert animation.size == (TILE + 1, TILE + 1) and animation.n_frames > 3


def test_the_way_between_seeds_has_a_row_a_class(checkpoint, tmp_path):
    words = [checkpoint, '--interpolate', 'z', '3', '7', '--class', '1']
    strip = sampled(tmp_path / 'x.png', *words, '--class', '4', '--frames', '3')
    assert strip.shape == (2 * TILE + 1, 3 * TILE + 1, 3)
    alone = [checkpoint, '--class', '4', '--num', '1', '--seed', '7']
    end = sampled(tmp_path / 'y.png', *alone).astype(int)
    assert np.abs(strip[TILE:, 2 * TILE :] - end).max() <= 1


def test_directions_have_a_row_each_with_the_sample_in_the_middle(checkpoint, tmp_path):
    words = [checkpoint, '--directions', '3', '--class', '4', '--seed', '7']
    rows = sampled(tmp_path / 'x.png', *words, '--frames', '5', '--step', '3')
    assert rows.shape == (3 * TILE + 1, 5 * TILE + 1, 3)
    alone = [checkpoint, '--class', '4', '--num', '1', '--seed', '7']
    own = sampled(tmp_path / 'y.png', *alone).astype(int)
    for row in range(3):
        place = rows[row * TILE : (row + 1) * TILE + 1, 2 * TILE : 3 * TILE + 1]
        assert np.abs(place - own).max() <= 1


def test_neighbours_come_from_the_data_that_a_run_was_trained_on(
    checkpoint, tmp_path, capsys
):
    words = [checkpoint, '--neighbours', '--features', 'pixels', '--k', '2']
    picture = sampled(tmp_path / 'x.png', *words, '--class', '3')
    assert picture.shape == (TILE + 1, 3 * TILE + 1, 3)
    digits = len(load_digit_images('train')[0])
    expected = f'each beside its 2 nearest of {digits} real images (pixels)'
    assert expected in capsys.readouterr().out
    nearest = picture[1:-1, TILE + 1 : 2 * TILE]
    assert (nearest[..., 0] == nearest[..., 1]).all()  # a real, grey digit
    assert nearest.max() > 200


def test_neighbours_come_from_a_folder(checkpoint, tmp_path):
    for level in (0, 128, 255):
        Image.new('L', (40, 50), level).save(tmp_path / f'{level}.png')
    words = [checkpoint, '--neighbours', str(tmp_path), '--k', '3']
    picture = sampled(tmp_path / 'x' / 'x.png', *words, '--class', '3')
    levels = {int(picture[5, column * TILE + 5, 0]) for column in (1, 2, 3)}
    assert levels == {0, 128, 255}


@pytest.mark.parametrize(
    'words, message',
    [
        (['--class', '11'], "class '11' does not exist; allowed: 0..9"),
        (['--interpolate', 'class', '1', '11'], "class '11' does not exist"),
        (['--directions', '99'], 'directions=99; allowed: 1..8'),
        (['--neighbours', 'nowhere'], "'nowhere' is not a folder"),
        (['--neighbours', '--k', '1348'], 'k=1348, but there are 1347 real images'),
    ],
)
def test_what_is_not_possible_is_one_line(checkpoint, tmp_path, capsys, words, message):
    if '--k' in words:
        words = [*words, '--features', 'pixels']
    out = tmp_path / 'x.png'
    assert sample.run([checkpoint, *words, '--out', str(out)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count('\n') == 1
    assert not out.exists()
