"""Two processes, of which one alone meets a fault: both do the same about it."""

import subprocess
import sys

import pytest
import torch
from forks import results_of, run_forks
from tiny_runs import ROOT, environment

WORLD = 2


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    assert run_forks('guard_worker.py', folder=folder) == 0
    return results_of(folder, WORLD)


def both(ranks, name):
    """How the run ended, which is the same for both."""
    first, second = (rank[name] for rank in ranks)
    for key in ('end', 'iteration', 'warnings', 'resumed'):
        assert first[key] == second[key]
    return first


def assert_one_model(ranks, name):
    first, second = (rank[name]['state'] for rank in ranks)
    for key, value in first.items():
        assert value.isfinite().all()
        assert torch.equal(value, second[key]), key


def test_both_stop_with_the_words_of_the_one_that_saw_the_term(ranks):
    found = both(ranks, 'stop')
    assert found['iteration'] == 2
    assert (
        'iteration 3, update of the discriminator: loss_adversarial is' in found['end']
    )
    assert 'seen by process 1 of 2' in found['end']
    assert_one_model(ranks, 'stop')


def test_both_skip_the_update(ranks):
    found = both(ranks, 'skip')
    assert found['end'] == 'done' and len(found['warnings']) == 1
    assert_one_model(ranks, 'skip')


def test_both_go_back_to_the_same_checkpoint(ranks):
    found = both(ranks, 'rollback')
    assert found['end'].startswith('RolledBack')
    assert [path.rsplit('/')[-1] for path in found['resumed']] == ['iter_1.pth']


@pytest.mark.parametrize('policy', ['stop', 'skip'])
def test_a_term_that_reaches_no_gradient_is_agreed_on_too(ranks, policy):
    found = both(ranks, f'constant, {policy}')
    words = found['end'] if policy == 'stop' else found['warnings'][0]
    assert 'loss_constant is not finite; all gradients are finite' in words
    assert_one_model(ranks, f'constant, {policy}')


def test_both_stop_where_the_losses_of_one_stand_still(ranks):
    found = both(ranks, 'stalled')
    assert found['end'].startswith('Diverged: iteration 3: d/loss has stayed at 0. ')


@pytest.mark.slow
@pytest.mark.parametrize('policy, ends_well', [('rollback', True), ('stop', False)])
def test_a_run_of_two_processes_goes_back_or_ends(tmp_path, policy, ends_well):
    config = str(ROOT / 'tests' / 'configs' / 'guarded.py')
    command = ['bash', str(ROOT / 'tools' / 'dist_train.sh'), config, str(WORLD)]
    setting = f'default_hooks.guard.policy={policy}'
    ended = subprocess.run(
        [*command, '--work-dir', str(tmp_path), '--cfg-options', setting],
        env={**environment(), 'PYTHON': sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = ended.stdout + ended.stderr
    assert (ended.returncode == 0) == ends_well, said
    assert 'iteration 4, update of the discriminator: loss_adversarial' in said
    assert 'seen by process 1 of 2' in said
    if not ends_well:
        assert [path.name for path in tmp_path.glob('*.pth')] == ['iter_2.pth']
        return
    first, second = (torch.load(tmp_path / f'rank{r}.pt')['state'] for r in range(2))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
