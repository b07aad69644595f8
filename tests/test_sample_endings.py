"""How sampling ends: mistakes of one line, Ctrl-C, and what is shown meanwhile."""

import io
import subprocess
import sys

import pytest
import torch
from sampled_runs import edited
from test_torch_only import BLOCKED
from tiny_runs import ROOT, arguments, environment

from reacgan_plugin import sample, train
from reacgan_plugin.sampling import drawing


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp('run')
    assert train.run(arguments(folder, train_cfg__max_iters=1)) == 0
    return str(folder / 'iter_1.pth')


def test_a_checkpoint_that_would_execute_code_is_refused(tmp_path, capsys):
    path = tmp_path / 'bad.pth'
    torch.save({'meta': print}, path)
    assert sample.run([str(path)]) == 2
    assert 'would execute' in capsys.readouterr().err


def test_a_checkpoint_that_is_not_there_is_named(capsys):
    assert sample.run(['nowhere.pth']) == 2
    assert 'nowhere.pth does not exist' in capsys.readouterr().err


def test_networks_of_another_project_are_left_to_it(checkpoint, tmp_path, capsys):
    stock = edited(checkpoint, tmp_path / 'x.pth', default_scope='mmagic')
    assert sample.run([stock]) == 2
    assert "names default_scope='mmagic'" in capsys.readouterr().err
    assert sample.run([stock, '--trust-imports']) == 2
    error = capsys.readouterr().err
    assert "is of mmagic's networks; sample with mmagic" in error
    assert error.count('\n') == 1


def test_a_job_that_is_stopped_keeps_what_is_in_its_folder(
    checkpoint, tmp_path, capsys, monkeypatch
):
    real, batches = drawing.as_rgb_bytes, []

    def second_fails(image):
        batches.append(image)
        if len(batches) == 2:
            raise KeyboardInterrupt
        return real(image)

    monkeypatch.setattr(drawing, 'as_rgb_bytes', second_fails)
    out = tmp_path / 'x'
    assert sample.run([checkpoint, '--batch', '5', '--out', str(out)]) == 130
    assert len(list(out.rglob('*.png'))) == 5
    assert capsys.readouterr().err.count('\n') == 1


def test_a_bar_shows_how_far_a_job_is_where_someone_looks(
    checkpoint, tmp_path, monkeypatch, capsys
):
    words = [checkpoint, '--class', '3', '--num', '4', '--batch', '2']
    assert sample.run([*words, '--out', str(tmp_path / 'x')]) == 0
    assert capsys.readouterr().err == ''
    monkeypatch.setattr('sys.stderr', Terminal())
    assert sample.run([*words, '--out', str(tmp_path / 'y')]) == 0
    assert ' 2/4,' in sys.stderr.getvalue() and ' 4/4,' in sys.stderr.getvalue()


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_sampling_without_the_extra_says_which_one_is_missing():
    code = """
from reacgan_plugin.sample import run
sys.exit(run(['x.pth']))
"""
    ended = subprocess.run(
        [sys.executable, '-c', BLOCKED + code],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2
    assert ended.stderr.count('\n') == 1
    assert "pip install 'reacgan_plugin[train]'" in ended.stderr
