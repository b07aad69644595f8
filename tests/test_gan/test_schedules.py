import pytest
import torch
from tiny_runs import arguments, same_state

from reacgan_plugin.gan.schedules import schedules_by_network
from reacgan_plugin.train import configured, parse_arguments, run, runner_for

HALVED = dict(type='MultiStepLR', milestones=[2], gamma=0.5)
RISING = dict(type='LinearLR', start_factor=0.25, end_factor=1.0, begin=0, end=4)
RATES = dict(generator=5e-4, discriminator=1e-3)  # of the demo config


def test_one_schedule_is_for_both_networks():
    found = schedules_by_network(HALVED)
    expected = [{**HALVED, 'by_epoch': False}]
    assert found == dict(generator=expected, discriminator=expected)
    assert 'by_epoch' not in HALVED


def test_several_may_follow_each_other():
    found = schedules_by_network([HALVED, RISING])
    for schedules in found.values():
        assert [s['type'] for s in schedules] == ['MultiStepLR', 'LinearLR']
        assert not any(s['by_epoch'] for s in schedules)


def test_networks_have_schedules_of_their_own_or_none():
    found = schedules_by_network(dict(generator=[HALVED, RISING]))
    assert [len(found[name]) for name in ('generator', 'discriminator')] == [2, 0]
    found = schedules_by_network(dict(generator=RISING, discriminator=[HALVED]))
    assert found['generator'][0]['type'] == 'LinearLR'
    assert found['discriminator'][0]['type'] == 'MultiStepLR'


def written(folder, scheduler, **overrides):
    """Arguments of a tiny run with these schedules."""
    config = folder / 'scheduled.py'
    config.write_text(
        "_base_ = 'reacgan_plugin::biggan_reacgan_digits.py'\n"
        f'param_scheduler = {scheduler!r}\n'
    )
    return [str(config), *arguments(folder / 'run', **overrides)[1:]]


def replacing(**entries):
    """A config's dict that does not keep what the base config has."""
    return dict(_delete_=True, **entries)


def rates_of(words):
    """Learning rates of a run's iterations, as the step finds them."""
    config, _ = configured(parse_arguments(words))
    runner = runner_for(config).from_cfg(config)
    runner.prepare()
    step, seen = runner.model.train_step, dict(generator=[], discriminator=[])

    def train_step(data, optim_wrapper):
        for name, rates in seen.items():
            rates += optim_wrapper[name].get_lr()['lr']
        return step(data, optim_wrapper)

    runner.model.train_step = train_step
    runner.train()
    return seen


def times(name, *factors):
    return pytest.approx([RATES[name] * factor for factor in factors])


# generator: a rise of four iterations; discriminator: half the rate after two
OWN = replacing(generator=[RISING], discriminator=HALVED)
SEVERAL = dict(
    model__accumulation=4,
    model__d_updates=2,
    train_cfg__max_iters=4,
    default_hooks__checkpoint__interval=3,
)


@pytest.fixture(scope='module')
def straight(tmp_path_factory):
    """Rates of a run with several micro-batches and updates, and its work dir."""
    folder = tmp_path_factory.mktemp('straight')
    return rates_of(written(folder, OWN, **SEVERAL)), folder / 'run'


def test_schedules_count_iterations_and_neither_micro_batches_nor_updates(straight):
    seen, _ = straight
    assert seen['generator'] == times('generator', 0.25, 0.5, 0.75, 1)
    assert seen['discriminator'] == times('discriminator', 1, 1, 0.5, 0.5)


def test_a_resumed_run_goes_on_at_the_same_rates(straight, tmp_path):
    seen, folder = straight
    words = written(tmp_path, OWN, **SEVERAL)
    resumed = rates_of([*words[:1], '--resume', str(folder / 'iter_3.pth'), *words[1:]])
    assert resumed == {name: rates[3:] for name, rates in seen.items()}
    states = [
        torch.load(path / 'iter_4.pth', weights_only=True)
        for path in (folder, tmp_path / 'run')
    ]
    for part in ('state_dict', 'optimizer', 'param_schedulers'):
        assert same_state(*(state[part] for state in states)) == []


def test_a_network_without_an_entry_keeps_its_rate(tmp_path):
    seen = rates_of(written(tmp_path, replacing(discriminator=[HALVED])))
    assert seen['generator'] == times('generator', 1, 1, 1, 1)
    assert seen['discriminator'] == times('discriminator', 1, 1, 0.5, 0.5)


def test_a_warm_up_and_a_decay_follow_each_other(tmp_path):
    warm_up = {**RISING, 'end': 3}
    decay = dict(type='ExponentialLR', gamma=0.5, begin=3, end=10)
    seen = rates_of(written(tmp_path, [warm_up, decay], train_cfg__max_iters=6))
    for name, rates in seen.items():
        assert rates == times(name, 0.25, 0.625, 1, 1, 0.5, 0.25)


@pytest.mark.parametrize(
    'scheduler, message',
    [
        (
            dict(type='LinearLR', generator=dict(type='ConstantLR')),
            'a type and an entry for a network.*_delete_=True',
        ),
        (
            replacing(genrator=[HALVED]),
            "param_scheduler.genrator is not a network.*did you mean 'generator'",
        ),
        (replacing(milestones=[2]), 'or a schedule of both, which has a type'),
        (replacing(generator=None), 'param_scheduler.generator=None is no schedule'),
        ([HALVED, 3], r'param_scheduler\[1\]=3 is no schedule'),
        ([dict(milestones=[2])], r'param_scheduler\[0\]: the key type is missing'),
        (replacing(type='LinerLR'), "did you mean 'LinearLR'"),
        (replacing(**HALVED, by_epoch=True), 'there are no epochs'),
        (
            replacing(type='MultiStepLR', milestone=[2]),
            'milestone is no setting of MultiStepLR',
        ),
        (replacing(type='MultiStepLR'), 'MultiStepLR needs the setting milestones'),
    ],
)
def test_a_mistake_is_one_line_before_the_first_step(
    tmp_path, capsys, scheduler, message
):
    assert run(written(tmp_path, scheduler)) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    with pytest.raises(ValueError, match=message):
        raise ValueError(error)
