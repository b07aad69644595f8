"""What a run says and leaves when disks are full, files break and workers die."""

import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from broken_file_worker import write_data
from mmengine.hooks import Hook
from tiny_runs import ROOT, arguments

from reacgan_plugin.checkpoint import checkpoints_in, read_checkpoint
from reacgan_plugin.hooks import MetricsFileHook
from reacgan_plugin.registry import HOOKS
from reacgan_plugin.train import run


def saved_each(folder, *flags, iterations=4, keep=-1, **overrides) -> list[str]:
    return arguments(
        folder,
        *flags,
        train_cfg__max_iters=iterations,
        default_hooks__checkpoint__interval=1,
        default_hooks__checkpoint__max_keep_ckpts=keep,
        **overrides,
    )


def log_of(folder) -> str:
    return max(folder.glob('*/*.log'), key=os.path.getmtime).read_text()


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Files of a run of three iterations, saved after each."""
    folder = tmp_path_factory.mktemp('trained')
    assert run(saved_each(folder, iterations=3)) == 0
    return {path.name: path.read_bytes() for path in checkpoints_in(folder)}


@pytest.fixture
def work_dir(tmp_path, trained):
    for name, content in trained.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.mark.parametrize('length', [0, 1000])
def test_a_truncated_newest_checkpoint_falls_back_to_the_one_before(work_dir, length):
    newest = work_dir / 'iter_3.pth'
    newest.write_bytes(newest.read_bytes()[:length])
    assert run(saved_each(work_dir, '--resume', iterations=3)) == 0
    log = log_of(work_dir)
    (line,) = (line for line in log.splitlines() if 'Going on from' in line)
    assert 'WARNING' in line and 'iter_3.pth is broken' in line
    assert 'iter_2.pth instead' in line
    assert read_checkpoint(newest)['meta']['iter'] == 3


def test_where_all_checkpoints_are_broken_nothing_starts_anew(work_dir, capsys):
    for path in checkpoints_in(work_dir):
        path.write_bytes(path.read_bytes()[:-100])
    before = {path: path.read_bytes() for path in checkpoints_in(work_dir)}
    assert run(saved_each(work_dir, '--resume')) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert all(f'iter_{n}.pth' in error for n in (1, 2, 3))
    assert {path: path.read_bytes() for path in checkpoints_in(work_dir)} == before


def test_a_broken_checkpoint_that_was_asked_for_is_an_error(work_dir, capsys):
    broken = work_dir / 'iter_2.pth'
    broken.write_bytes(b'')
    assert run(saved_each(work_dir, '--resume', str(broken))) == 2
    assert 'iter_2.pth is broken' in capsys.readouterr().err
    assert broken.read_bytes() == b''


def test_a_new_run_among_checkpoints_of_another_is_warned(work_dir):
    assert run(saved_each(work_dir, iterations=1)) == 0
    assert 'iter_3.pth is of an earlier run' in log_of(work_dir)


def test_a_full_disk_ends_the_run_in_one_line_with_the_checkpoint_before(
    tmp_path, capsys
):
    (tmp_path / '.iter_3.pth.partial').symlink_to('/dev/full')
    assert run(saved_each(tmp_path)) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert 'iter_3.pth cannot be written' in error and 'No space left' in error
    assert f'--resume goes on from {tmp_path / "iter_2.pth"}' in error
    assert error.removeprefix('error: ') in log_of(tmp_path)
    assert read_checkpoint(tmp_path / 'iter_2.pth')['meta']['iter'] == 2
    assert run(saved_each(tmp_path, '--resume')) == 0


def test_pictures_and_curves_that_cannot_be_written_are_warnings(tmp_path, monkeypatch):
    (tmp_path / 'samples').mkdir()
    (tmp_path / 'samples' / 'iter_000002.png').symlink_to('/dev/full')
    (tmp_path / 'curves.png').symlink_to('/dev/full')

    def full(self, runner, iteration, scalars):
        raise OSError(28, 'No space left on device', 'metrics.jsonl')

    monkeypatch.setattr(MetricsFileHook, '_write', full)
    hooks = "[dict(type='SampleGridHook',interval=2,per_class=1),"
    hooks += "dict(type='LossCurveHook'),dict(type='MetricsFileHook')]"
    assert run(saved_each(tmp_path, hooks=True, custom_hooks=hooks)) == 0
    log = log_of(tmp_path)
    for hook in ('SampleGridHook', 'LossCurveHook', 'MetricsFileHook'):
        assert log.count(f'WARNING - {hook}: ') == 1, hook
    assert (tmp_path / 'iter_4.pth').is_file()
    assert (tmp_path / 'samples' / 'iter_000004.png').is_file()


def test_a_work_dir_that_cannot_be_made_is_one_line(tmp_path, capsys):
    (tmp_path / 'file').touch()
    assert run(saved_each(tmp_path / 'file' / 'work')) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and str(tmp_path / 'file') in error


def test_the_newest_checkpoints_stay_and_the_old_goes_after_the_new_is_whole(
    tmp_path, monkeypatch
):
    present = []
    real = os.replace

    def replace(source, target):
        present.append(len(checkpoints_in(tmp_path)))
        real(source, target)

    monkeypatch.setattr(os, 'replace', replace)
    assert run(saved_each(tmp_path, keep=1)) == 0
    assert present[:4] == [0, 1, 1, 1]
    assert [path.name for path in checkpoints_in(tmp_path)] == ['iter_4.pth']


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(by_epoch=True), 'by_epoch=True would save nothing before the end'),
        (dict(out_dir='/tmp/elsewhere'), '--resume would not find'),
    ],
)
def test_settings_with_which_checkpoints_would_be_lost_are_refused(
    tmp_path, capsys, settings, message
):
    overrides = {f'default_hooks__checkpoint__{k}': v for k, v in settings.items()}
    assert run(arguments(tmp_path, **overrides)) == 2
    assert message in capsys.readouterr().err


class Removes(Hook):
    """Removes a folder in the third iteration, and puts a file in its place."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == 2:
            shutil.rmtree(self.folder)
            self.folder.touch()


@pytest.fixture
def removing(monkeypatch):
    """A hook's config by the folder that it removes."""
    monkeypatch.setitem(HOOKS.module_dict, 'Removes', Removes)
    return "[dict(type='Removes',folder='{}')]".format


@pytest.mark.parametrize('workers', [0, 2])
def test_data_that_vanishes_ends_the_run_in_one_line_with_a_checkpoint(
    tmp_path, capsys, monkeypatch, removing, workers
):
    data, work_dir = tmp_path / 'data', tmp_path / 'work'
    monkeypatch.setenv('BROKEN_FILE_DATA', str(data))
    write_data(data, broken=())
    words = saved_each(
        work_dir,
        iterations=50,
        hooks=True,
        custom_hooks=removing(data),
        train_dataloader__num_workers=workers,
    )
    config = str(ROOT / 'tests' / 'configs' / 'broken_file.py')
    assert run([config, *words[1:]]) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and f"cannot read the image '{data}/" in error
    newest = checkpoints_in(work_dir)[0]
    assert error.endswith(f', saved {newest}\n')
    assert error.removeprefix('error: ') in log_of(work_dir)
    assert read_checkpoint(newest)['meta']['iter'] >= 3


def test_a_work_dir_that_vanishes_ends_the_run_in_one_line(tmp_path, capsys, removing):
    work_dir = tmp_path / 'work'
    words = saved_each(work_dir, hooks=True, custom_hooks=removing(work_dir))
    assert run(words) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and f'{work_dir / "iter_3.pth"} cannot be' in error


class KillsAWorker(Hook):
    """As the system's out-of-memory killer."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == 2:
            for child in torch.multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)


def test_a_worker_that_is_killed_ends_the_run_in_one_line(tmp_path, capsys):
    HOOKS.register_module(name='KillsAWorker', module=KillsAWorker, force=True)
    words = saved_each(
        tmp_path,
        iterations=50,
        hooks=True,
        custom_hooks="[dict(type='KillsAWorker')]",
        train_dataloader__num_workers=1,
    )
    assert run(words) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and 'DataLoader worker' in error
    assert read_checkpoint(checkpoints_in(tmp_path)[0])['meta']['iter'] >= 2
