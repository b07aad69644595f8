"""Techniques in whole runs: what a checkpoint holds, what a grid shows."""

import pytest
import torch
from tiny_runs import arguments, same_state

from reacgan_plugin.train import run

ROWS = 8  # images of an iteration


def trained(folder, techniques: str, iterations: int, *flags, **overrides) -> dict:
    """The last checkpoint of a tiny run of the demo."""
    model = {'model__techniques': techniques}
    overrides = {**model, 'train_cfg__max_iters': iterations, **overrides}
    hooks = 'custom_hooks' in overrides  # else there are none
    assert run(arguments(folder, *flags, hooks=hooks, **overrides)) == 0
    return torch.load(folder / f'iter_{iterations}.pth', weights_only=True)


def test_a_run_at_strength_037_resumes_there_with_its_counts(tmp_path):
    """R24: whatever strength the config begins with."""
    ada = "[dict(type='ADA', strength=0.37, interval=100)]"
    key = 'techniques.0.adaptive.'
    first = trained(tmp_path, ada, 3)['state_dict']
    assert first[key + 'strength'] == torch.tensor(0.37)
    assert first[key + 'sign_count'] == 3 * ROWS
    # a config that would begin elsewhere
    other = "[dict(type='ADA', strength=0.0, interval=100)]"
    second = trained(tmp_path, other, 4, '--resume')['state_dict']
    assert second[key + 'strength'] == torch.tensor(0.37)
    assert second[key + 'sign_count'] == 4 * ROWS
    gained = second[key + 'sign_sum'] - first[key + 'sign_sum']
    assert abs(gained) <= ROWS


@pytest.mark.parametrize(
    'techniques',
    [
        "[dict(type='ADA', policy='bgcfnc', strength=0.5, interval=1, kimg=0.01)]",
        "[dict(type='APA', strength=0.5), dict(type='LeCam', start=1)]",
        "[dict(type='DiffAugment'), dict(type='DiscriminatorAverage', decay=0.9)]",
        "[dict(type='ConsistencyRegularisation'), dict(type='TopK', interval=1)]",
        "[dict(type='LatentOptimisation', weight=1.0), dict(type='DRAGAN')]",
    ],
)
def test_a_run_that_resumes_is_the_run_that_never_stopped(tmp_path, techniques):
    """R24: with what techniques keep."""
    straight = trained(tmp_path / 'straight', techniques, 4)
    trained(tmp_path / 'halves', techniques, 2)
    resumed = trained(tmp_path / 'halves', techniques, 4, '--resume')
    for part in ('state_dict', 'optimizer'):
        assert same_state(straight[part], resumed[part]) == []


def test_a_new_run_takes_networks_of_another_and_begins_techniques_anew(tmp_path):
    first = trained(tmp_path / 'first', "[dict(type='LeCam', start=1)]", 3)
    path = str(tmp_path / 'first' / 'iter_3.pth')
    few_shot = (
        "[dict(type='FreezeD', layers=2), dict(type='ADA', strength=0.25, interval=9),"
        "dict(type='DiscriminatorAverage', decay=0.5)]"
    )
    still = {
        f'optim_wrapper__{network}__optimizer__lr': 0.0
        for network in ('generator', 'discriminator')
    }
    second = trained(tmp_path / 'second', few_shot, 2, load_from=path, **still)
    old, new = first['state_dict'], second['state_dict']
    assert new['_extra_state'] == {'iteration': 2}
    assert new['techniques.1.adaptive.strength'] == 0.25
    weight = 'discriminator.head.projection.linear.bias'
    assert torch.equal(new[weight], old[weight])
    average = f'techniques.2.average.{weight.removeprefix("discriminator.")}'
    assert torch.equal(new[average], old[weight])
    assert not any(name.endswith('.averages') for name in new)


def test_a_grid_shows_no_augmentation(tmp_path):
    hook = "[dict(type='SampleGridHook', interval=2)]"
    still = {  # so that the two runs differ in nothing but the augmentation
        f'optim_wrapper__{network}__optimizer__lr': 0.0
        for network in ('generator', 'discriminator')
    }
    grids = []
    for name, techniques in (
        ('plain', '[]'),
        ('ada', "[dict(type='ADA', policy='bgcfnc', strength=1.0)]"),
    ):
        trained(tmp_path / name, techniques, 2, custom_hooks=hook, **still)
        (grid,) = (tmp_path / name).rglob('*.png')
        grids.append(grid.read_bytes())
    assert grids[0] == grids[1]
