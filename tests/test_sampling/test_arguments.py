from pathlib import Path

import pytest

from reacgan_plugin.sampling.arguments import parse_arguments


def parsed(*words):
    return parse_arguments(['x.pth', *words])


def test_without_options_there_is_one_picture_of_16_samples_a_class():
    options = parsed()
    assert (options.mode, options.out) == ('samples', Path('samples.png'))
    assert (options.num, options.seed, options.batch) == (16, 0, 100)
    assert options.classes is None and not options.raw


@pytest.mark.parametrize(
    'words, mode, found',
    [
        (['--grids'], 'grids', dict(out=Path('samples'), num=16)),
        (
            ['--interpolate', 'class', '3', 'cat', '3'],
            'interpolate',
            dict(points=['3', 'cat', '3'], num=4, frames=8),
        ),
        (
            ['--interpolate', 'z', '5', '0-2'],
            'interpolate',
            dict(points=[5, 0, 1, 2], seed=0),
        ),
        (
            ['--neighbours'],
            'neighbours',
            dict(neighbours=True, num=1, k=5, features='efficientnet-lite0'),
        ),
        (['--neighbours', 'data', '--k', '3'], 'neighbours', dict(neighbours='data')),
        (['--neighbours', ''], 'neighbours', dict(neighbours='')),
        (
            ['--directions', '4', '--step', '.5', '--out', 'x.GIF'],
            'directions',
            dict(directions=4, step=0.5, frames=7),
        ),
    ],
)
def test_a_mode_has_defaults_of_its_own(words, mode, found):
    options = parsed(*words)
    assert options.mode == mode
    assert {name: getattr(options, name) for name in found} == found


@pytest.mark.parametrize(
    'text, seeds',
    [
        ('7', 7),
        ('0-3', [0, 1, 2, 3]),
        ('1,5,9', [1, 5, 9]),
        ('7,2-3,7', [7, 2, 3]),
        ('7-7', [7]),
    ],
)
def test_seeds_are_one_number_or_a_list(text, seeds):
    assert parsed('--seed', text).seed == seeds


@pytest.mark.parametrize('out', ['x.png', 'x.zip', 'folder', 'a/b', 'v1.2/', 'X.ZIP'])
def test_samples_go_to_a_picture_an_archive_or_a_folder(out):
    assert parsed('--out', out).out == Path(out)


@pytest.mark.parametrize('out', ['q.png/', 'q.zip/'])
def test_a_slash_at_the_end_makes_a_folder_of_any_name(out):
    assert parsed('--out', out).ending == ''
    assert parsed('--grids', '--out', out).ending == ''


@pytest.mark.parametrize(
    'words, message',
    [
        (['--truncation', 'nan'], "'nan' is not allowed; allowed: a number above 0"),
        (['--num', '0'], "'0' is not allowed; allowed: 1 or more"),
        (['--batch', 'x'], "'x' is not allowed; allowed: 1 or more"),
        (['--seed', '3-1'], "'3-1'; allowed: a number, 0-15 or 1,5,9"),
        (['--seed', '1,'], "'1,'; allowed: a number, 0-15 or 1,5,9"),
        (['--seed', '4294967296'], 'up to 4294967295'),
        (['--seed', '1,2', '--num', '3'], 'leave --num out'),
        (['--out', 'x.jpg'], "'x.jpg'; allowed: a name that ends in .png, .gif or"),
        (['--out', ''], "''; allowed: a name that ends in"),
        (['--out', 'x.gif'], '--out x.gif; allowed here: .png, .zip, a folder'),
        (['--grids', '--out', 'x.png'], 'allowed here: a folder'),
        (['--neighbours', '--out', 'x.gif'], 'allowed here: .png'),
        (['--directions', '2', '--out', 'x'], 'allowed here: .png, .gif'),
        (['--grids', '--directions', '2'], 'not allowed with argument'),
        (['--frames', '3'], '--frames goes with --interpolate or --directions'),
        (['--neighbours', '--step', '3'], '--step goes with --directions'),
        (['--k', '3'], '--k goes with --neighbours'),
        (['--features', 'pixels'], '--features goes with --neighbours'),
        (['--neighbours', '--features', 'vgg'], "invalid choice: 'vgg'"),
        (
            ['--directions', '2', '--frames', '1'],
            "'1' is not allowed; allowed: 2",
        ),
        (['--directions', '2', '--num', '3'], 'it takes one --seed and no --num'),
        (['--directions', '2', '--seed', '1-2'], 'it takes one --seed and no --num'),
        (['--directions', '2', '--class', '1', '--class', '2'], 'takes one --class'),
        (['--interpolate', 'classes', '3', '7'], 'takes class A B ... or z S T ...'),
        (['--interpolate', 'class'], 'takes class A B ... or z S T ...'),
        (['--interpolate', 'class', '3'], '--interpolate class takes two or more'),
        (['--interpolate', 'z', '3', '3'], None),
        (['--interpolate', 'z', '3'], '--interpolate z takes two or more'),
        (['--interpolate', 'z', '3', 'x'], "--interpolate z: 'x'; allowed: a number"),
        (
            ['--interpolate', 'class', '3', '7', '--class', '1'],
            'takes its classes itself',
        ),
        (['--interpolate', 'z', '3', '7', '--seed', '1'], 'takes its seeds itself'),
        (['--interpolate', 'z', '3', '7', '--num', '1'], 'takes its seeds itself'),
    ],
)
def test_options_that_do_not_go_together_are_refused(words, message, capsys):
    if message is None:
        assert parsed(*words).points == [3, 3]
        return
    with pytest.raises(SystemExit) as ended:
        parsed(*words)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
