"""A run that was killed and resumed is, bit for bit, the run that never was."""

import shutil
from pathlib import Path

import pytest
import torch
from tiny_runs import ROOT, arguments, same_state, start

from reacgan_plugin.checkpoint import newest_checkpoint
from reacgan_plugin.train import run

CONFIG = str(ROOT / 'tests' / 'configs' / 'counted_flips.py')
BATCH = 8 * 2  # images of an iteration: two discriminator updates of eight
STATES = str(ROOT / 'tests' / 'configs' / 'all_states.py')
MEASURED = ('time', 'data_time', 'images_per_second', 'memory')
CHECKED = 2  # images that are decoded to check the data set before the first step


def _read(path) -> dict:
    return torch.load(path, weights_only=True)


def _count(path: Path) -> int:
    """Images decoded since the last call."""
    count = path.stat().st_size
    path.write_bytes(b'')
    return count


@pytest.fixture
def counter(tmp_path, monkeypatch) -> Path:
    path = tmp_path / 'reads'
    monkeypatch.setenv('READ_COUNTER', str(path))
    return path


def test_resuming_decodes_only_what_is_left(tmp_path, counter):
    """R27: no image of the iterations before."""
    straight, halves = tmp_path / 'straight', tmp_path / 'halves'
    short = ['--cfg-options', 'train_cfg.max_iters=4']
    assert run([CONFIG, '--work-dir', str(straight), *short]) == 0
    assert _count(counter) == 4 * BATCH + CHECKED
    half = ['--cfg-options', 'train_cfg.max_iters=3']
    assert run([CONFIG, '--work-dir', str(halves), *half]) == 0
    _count(counter)
    assert run([CONFIG, '--work-dir', str(halves), '--resume', *short]) == 0
    assert _count(counter) == 1 * BATCH + CHECKED
    first, second = _read(straight / 'iter_4.pth'), _read(halves / 'iter_4.pth')
    assert same_state(first['state_dict'], second['state_dict']) == []
    assert same_state(first['optimizer'], second['optimizer']) == []


@pytest.fixture(scope='module')
def whole(tmp_path_factory) -> Path:
    """A run of six iterations with all that has a state, saved after three and six."""
    folder = tmp_path_factory.mktemp('whole')
    assert run([STATES, '--work-dir', str(folder)]) == 0
    return folder


def test_a_resumed_run_is_the_one_never_stopped_in_all_that_has_a_state(
    whole, tmp_path
):
    """R23, R24: with workers and flips; logged losses are equal, too."""
    half = str(whole / 'iter_3.pth')
    assert run([STATES, '--work-dir', str(tmp_path), '--resume', half]) == 0
    first, second = _read(whole / 'iter_6.pth'), _read(tmp_path / 'iter_6.pth')
    for measured in MEASURED:
        for content in (first, second):
            content['history'].pop(f'train/{measured}')
    for part in ('state_dict', 'optimizer', 'param_schedulers', 'history'):
        assert same_state(first[part], second[part]) == [], part
    assert len(second['history']['train/d/loss']['values']) == 6


def test_what_is_compared_has_moved_between_the_two_checkpoints(whole):
    half, end = _read(whole / 'iter_3.pth'), _read(whole / 'iter_6.pth')
    moved = same_state(half['state_dict'], end['state_dict'])
    for state in (
        '_extra_state',  # the count of iterations
        'generator_ema.mapping.w_avg',
        'techniques.1.mean',
        'techniques.2.adaptive.strength',
        'techniques.3.adaptive.sign_sum',
        'techniques.4.averages',
        'techniques.5.average.head.projection',
    ):
        assert any(path.startswith(f'/{state}') for path in moved), state
    for name in ('generator', 'discriminator'):
        optimizers = half['optimizer'][name], end['optimizer'][name]
        found = ' '.join(same_state(*optimizers))
        for state in ('exp_avg', 'exp_avg_sq', 'step', 'lr', 'loss_scaler/scale'):
            assert state in found, state


@pytest.mark.slow
def test_a_killed_run_resumes_bit_for_bit(tmp_path, counter):
    """R23: with workers and flips."""
    straight, killed = tmp_path / 'straight', tmp_path / 'killed'
    workers = ['--cfg-options', 'train_dataloader.num_workers=2']
    assert start(CONFIG, '--work-dir', str(straight), *workers).wait() == 0
    process = start(CONFIG, '--work-dir', str(killed), *workers)
    for line in iter(process.stdout.readline, ''):
        if 'Saving checkpoint at 15' in line:
            break
    process.kill()
    process.wait()
    done = _read(newest_checkpoint(killed))['meta']['iter']
    assert 5 <= done < 30
    _count(counter)
    assert start(CONFIG, '--work-dir', str(killed), '--resume', *workers).wait() == 0
    ahead = 2 * 2 * BATCH  # two workers fetch two batches each beyond the last one
    left = (30 - done) * BATCH + CHECKED
    assert left <= _count(counter) <= left + ahead
    first, second = _read(straight / 'iter_30.pth'), _read(killed / 'iter_30.pth')
    assert same_state(first['state_dict'], second['state_dict']) == []
    assert same_state(first['optimizer'], second['optimizer']) == []


def test_a_run_that_is_complete_says_so_and_is_left_as_it_is(whole, tmp_path):
    end = tmp_path / 'iter_6.pth'
    shutil.copy(whole / 'iter_6.pth', end)
    before = end.read_bytes()
    assert run([STATES, '--work-dir', str(tmp_path), '--resume']) == 0
    log = next(tmp_path.glob('*/*.log')).read_text()
    assert 'iter_6.pth is the end of a run of 6 iterations' in log
    assert 'nothing is left to train' in log
    assert 'Iter(train)' not in log
    assert end.read_bytes() == before


def test_a_new_run_in_a_used_folder_is_what_is_resumed(tmp_path):
    assert run(arguments(tmp_path)) == 0  # leaves iter_4.pth
    first = (tmp_path / 'iter_4.pth').read_bytes()
    other = dict(total_batch_size=4, train_cfg__max_iters=2)
    assert run(arguments(tmp_path, **other)) == 0
    assert (
        run(arguments(tmp_path, '--resume', **{**other, 'train_cfg__max_iters': 3}))
        == 0
    )
    assert (tmp_path / 'iter_3.pth').is_file()
    assert (tmp_path / 'iter_4.pth').read_bytes() == first


def test_a_run_that_has_nothing_to_resume_starts_from_what_its_config_names(tmp_path):
    assert run(arguments(tmp_path / 'a')) == 0
    start = str(tmp_path / 'a' / 'iter_4.pth')
    tuned = [
        arguments(tmp_path / name, *flags, load_from=start, train_cfg__max_iters=1)
        for name, flags in (('b', []), ('c', ['--resume']))
    ]
    assert [run(words) for words in tuned] == [0, 0]
    one, other = (_read(tmp_path / name / 'iter_1.pth') for name in 'bc')
    assert same_state(one['state_dict'], other['state_dict']) == []
