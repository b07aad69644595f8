"""A new run that starts from another one's networks, in parts."""

import re

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_runs import arguments

from reacgan_plugin.checkpoint import differences, read_checkpoint
from reacgan_plugin.fine_tuning import AVERAGE, NETWORKS, start_from
from reacgan_plugin.registry import MODELS, build
from reacgan_plugin.train import configured, parse_arguments, run, runner_for

VECTORS = '.parametrizations.weight.0.'
PROJECTION = {f'projection.linear.{name}' for name in ('weight', 'bias')}
CLASSES = ('cat', 'dog', 'eel')


@pytest.fixture(scope='module')
def ten_classes(tmp_path_factory):
    """The checkpoint of a run of two iterations on ten classes."""
    folder = tmp_path_factory.mktemp('ten')
    assert run(arguments(folder, train_cfg__max_iters=2)) == 0
    return folder / 'iter_2.pth'


def three_classes(folder, *flags, **overrides) -> list[str]:
    """Arguments of a run on three classes of noise."""
    noise = np.random.default_rng(0)
    for name in CLASSES:
        (folder / 'data' / name).mkdir(parents=True, exist_ok=True)
        for number in range(4):
            pixels = noise.integers(0, 256, (32, 32, 3), np.uint8)
            Image.fromarray(pixels).save(folder / 'data' / name / f'{number}.png')
    config = folder / 'three.py'
    config.write_text(
        "_base_ = 'reacgan_plugin::biggan_reacgan_digits.py'\n"
        'train_dataloader = dict(dataset=dict(_delete_=True, type="ClassFolder", '
        f'data_root={str(folder / "data")!r}, '
        'pipeline=[dict(type="LoadImage"), dict(type="PackImage")]))\n'
        'model = dict(num_classes=3)\n'
    )
    words = arguments(folder / 'work', *flags, train_cfg__max_iters=2, **overrides)
    return [str(config), *words[1:]]


def prepared(words: list[str]):
    """A runner just before the first step."""
    config, _ = configured(parse_arguments(words))
    runner = runner_for(config).from_cfg(config)
    runner.prepare()
    return runner


def log_of(folder) -> str:
    return '\n'.join(path.read_text() for path in folder.glob('*/*.log'))


def gan(**changes):
    """A small model of ten classes with BigGAN's networks."""
    side = dict(size=32, attention_at=())
    settings = dict(
        type='ConditionalGAN',
        num_classes=10,
        generator=dict(
            type='BigGANGenerator', base_channels=2, z_dim=8, shared_dim=4, **side
        ),
        discriminator=dict(type='BigGANDiscriminator', base_channels=2, **side),
        loss=dict(type='D2DCE', embed_dim=6),
        ema=dict(decay=0.9),
    )
    settings = {**settings, **changes}
    return build(MODELS, settings), settings


def started(own: dict, theirs: dict):
    """(model, start) of a model of the changes ``own`` from one of ``theirs``."""
    other, _ = gan(**theirs)
    model, settings = gan(**own)
    return model, other, start_from(model, other.state_dict(), settings['generator'])


def fresh_names(model, other, start) -> set[str]:
    """Weights that are not the other model's, singular vectors aside."""
    assert differences(model.state_dict(), start.state) == ''
    theirs = other.state_dict()
    return {
        name.replace('.parametrizations.weight.original', '.weight')
        for name, value in start.state.items()
        if name.startswith(NETWORKS)
        and value is not theirs.get(name)
        and not (name in theirs and torch.equal(value, theirs[name]))
        if VECTORS not in name and not name.startswith(AVERAGE)
    }


def test_a_run_on_other_classes_begins_with_the_networks_of_another(
    tmp_path, ten_classes
):
    old = read_checkpoint(ten_classes)['state_dict']
    words = three_classes(tmp_path)
    untrained = prepared(words).model.state_dict()
    new = prepared([*words, f'load_from={ten_classes}']).model.state_dict()
    anew = {
        *('generator.class_embedding.weight', 'generator_ema.class_embedding.weight'),
        *(n for n in new if n.startswith('discriminator.head.proxies.')),
    }
    assert len(anew) == 5  # of the proxies a weight and its two singular vectors
    for name in new:
        if name.startswith(NETWORKS):
            expected = untrained if name in anew else old
            assert torch.equal(new[name], expected[name]), name
    conv = 'discriminator.backbone.blocks.0.conv1.parametrizations.weight.original'
    assert not torch.equal(new[conv], untrained[conv])
    assert new['_extra_state'] == {'iteration': 0}


def test_a_run_on_other_classes_lists_in_one_line_what_begins_anew(
    tmp_path, ten_classes
):
    words = [*three_classes(tmp_path), f'load_from={ten_classes}']
    assert run(words) == 0
    lines = [x for x in log_of(tmp_path / 'work').splitlines() if 'anew' in x]
    assert len(lines) == 1
    for part in (
        str(ten_classes),
        'generator.class_embedding.weight (10 x 4 there, 3 x 4 here)',
        'discriminator.head.proxies.weight (10 x 128 there, 3 x 128 here)',
    ):
        assert part in lines[0]
    assert 'proxies.weight.0' not in lines[0]
    state = read_checkpoint(tmp_path / 'work' / 'iter_2.pth')['state_dict']
    assert all(v.isfinite().all() for v in state.values() if hasattr(v, 'isfinite'))
    assert state['_extra_state'] == {'iteration': 2}


def test_resuming_on_other_classes_is_refused_with_the_setting_that_does_it(
    tmp_path, ten_classes, capsys
):
    assert run(three_classes(tmp_path, '--resume', str(ten_classes))) == 2
    error = capsys.readouterr().err
    assert 'generator.class_embedding.weight (10, 4) instead of (3, 4)' in error
    assert 'to start a new run from its networks, set load_from' in error
    assert not list((tmp_path / 'work').glob('iter_*.pth'))


def test_resuming_what_no_setting_can_take_over_gives_no_such_advice(
    tmp_path, ten_classes, capsys
):
    words = ['--resume', str(ten_classes)]
    assert run(three_classes(tmp_path, *words, model__generator__z_dim=16)) == 2
    assert 'load_from' not in capsys.readouterr().err


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(model__generator__z_dim=16), r'generator\.input.* instead of'),
        (dict(model__generator__base_channels=4), r'generator\.input.* instead of'),
        (dict(model__discriminator__base_channels=8), r'discriminator\.backbone\.'),
    ],
)
def test_other_networks_are_not_started_from(
    tmp_path, ten_classes, capsys, changes, message
):
    changes = {'load_from': ten_classes, **changes}
    assert run(three_classes(tmp_path, **changes)) == 2
    error = capsys.readouterr().err
    assert re.search(message, error)
    assert str(ten_classes) in error and error.count('\n') == 1


def test_another_generator_is_not_started_from():
    generator = dict(type='ResNetGenerator', size=32, base_channels=2, z_dim=8)
    model, _, start = started(dict(generator=generator), {})
    found = differences(model.state_dict(), start.state)
    assert 'missing: generator.' in found and 'unexpected: generator.' in found


@pytest.mark.parametrize(
    'generator, anew',
    [
        (
            dict(type='ResNetGenerator', size=32, base_channels=2, z_dim=8),
            {f'blocks.{i}.norm{j}.{n}' for i in range(3) for j in (1, 2)
             for n in ('gain', 'bias')},
        ),
        (
            dict(type='StyleGAN2Generator', size=32, channel_max=4, z_dim=8,
                 w_dim=8, mapping_layers=2),
            {'mapping.embed'},
        ),
        (
            dict(type='CodedGenerator', generator=dict(
                type='BigGANGenerator', base_channels=2, z_dim=8, shared_dim=4,
                size=32, attention_at=())),
            {'generator.class_embedding'},
        ),
    ],
)  # fmt: skip
def test_what_depends_on_classes_is_found_in_every_generator(generator, anew):
    model, other, start = started(
        dict(num_classes=3, generator=generator), dict(generator=generator)
    )
    expected = {f'generator.{name}.weight' for name in anew}
    found = fresh_names(model, other, start)
    assert found == {*expected, 'discriminator.head.proxies.weight'}


@pytest.mark.parametrize(
    'there, here, anew',
    [
        ('D2DCE', 'AC', {'classifier.weight'}),
        ('AC', 'PD', {'embedding.weight'}),
        ('PD', 'D2DCE', {'proxies.weight', *PROJECTION}),
        ('AC', 'TAC', {'twin.classifier.weight'}),
        ('AC', 'MH', {'adversarial.weight', 'adversarial.bias'}),
        ('AC', 'Unconditional', set()),
        ('AC', 'AC', set()),
    ],
)
def test_another_conditioning_has_a_head_of_its_own(there, here, anew):
    model, other, start = started(
        dict(loss=dict(type=here)), dict(loss=dict(type=there))
    )
    found = fresh_names(model, other, start)
    # a bias of zeros is fresh without a difference
    assert {f'discriminator.head.{name}' for name in anew} - found <= {
        'discriminator.head.adversarial.bias'
    }
    assert found <= {f'discriminator.head.{name}' for name in anew}
    assert bool(start.remarks) == (there != here)


def test_what_a_head_had_more_is_left_out_and_listed():
    _, _, start = started(dict(loss=dict(type='AC')), {})
    (remark,) = start.remarks
    assert 'left out: discriminator.head.projection.linear.bias' in remark
    assert 'discriminator.head.classifier.weight (none there, 10 x ' in remark


def test_rows_of_ten_classes_do_not_pass_for_twice_five():
    model, other, start = started(
        dict(num_classes=5, loss=dict(type='ADC')), dict(loss=dict(type='AC'))
    )
    assert 'discriminator.head.classifier.weight' in fresh_names(model, other, start)


def test_initialised_weights_keep_singular_vectors_of_their_own():
    model, other, start = started(dict(num_classes=3), {})
    own = model.state_dict()
    for part in ('original', '0._u', '0._v'):
        name = f'discriminator.head.proxies.parametrizations.weight.{part}'
        assert torch.equal(start.state[name], own[name])
    name = 'discriminator.head.projection.linear' + VECTORS + '_u'
    assert torch.equal(start.state[name], other.state_dict()[name])


def test_a_list_of_what_begins_anew_is_ten_entries_long():
    generator = dict(type='ResNetGenerator', size=32, base_channels=2, z_dim=8)
    _, _, start = started(
        dict(num_classes=3, generator=generator), dict(generator=generator)
    )
    (remark,) = start.remarks
    assert remark.count(' there, ') == 10
    assert re.search(r' and \d+ more', remark)


def test_looking_for_what_depends_on_classes_draws_nothing_random():
    other, _ = gan()
    model, settings = gan(num_classes=3)
    before = torch.get_rng_state()
    start_from(model, other.state_dict(), settings['generator'])
    assert torch.equal(torch.get_rng_state(), before)


def test_an_average_begins_as_a_copy_where_the_file_has_none():
    """R30: averaging, from a file without an average: works, with one remark."""
    model, other, start = started({}, dict(ema=None))
    assert differences(model.state_dict(), start.state) == ''
    for name, value in other.generator.state_dict().items():
        assert torch.equal(start.state[AVERAGE + name], value)
    (remark,) = start.remarks
    assert 'without an average' in remark


def test_an_average_is_left_out_where_the_model_has_none():
    """R30: no averaging, from a file with an average: works, with one remark."""
    model, _, start = started(dict(ema=None), {})
    assert differences(model.state_dict(), start.state) == ''
    (remark,) = start.remarks
    assert 'left out without model.ema' in remark


@pytest.mark.parametrize('there, here', [(None, dict(decay=0.9)), ({}, None)])
def test_resuming_with_another_average_is_refused_with_the_setting_that_does_it(
    tmp_path, capsys, there, here
):
    """R30: a run that goes on has what it had."""
    ema = {'model__ema': repr(there)}
    assert run(arguments(tmp_path, train_cfg__max_iters=1, **ema)) == 0
    words = arguments(tmp_path, '--resume', model__ema=repr(here))
    assert run(words) == 2
    assert 'generator_ema.' in (error := capsys.readouterr().err)
    assert 'to start a new run from its networks, set load_from' in error


def test_a_file_of_weights_alone_starts_a_run(tmp_path, ten_classes):
    """R30: other entries of the model, such as those of its preprocessing, need not be
    in the file."""
    state = read_checkpoint(ten_classes)['state_dict']
    alone = {k: v for k, v in state.items() if k.startswith(NETWORKS[:2])}
    path = tmp_path / 'weights.pth'
    torch.save({'state_dict': alone}, path)
    assert run([*three_classes(tmp_path), f'load_from={path}']) == 0
    log = log_of(tmp_path / 'work')
    assert log.count('without an average of the generator') == 1
