"""Damaged files of StudioGAN: one line with the file's name, and nothing is written."""

from __future__ import annotations

import pytest
import torch
from damage import DAMAGES, damaged
from studiogan_run import FILES, yaml_file
from tiny_runs import plain_dumps

from reacgan_plugin.checkpoint import read_checkpoint
from reacgan_plugin.integrations.studiogan.command import run

MAY_LACK = ('_flipped', '_without_a_key', '_of_another_type')  # what nobody reads


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    plain_dumps(monkeypatch.setattr)


def imported(folder, files) -> int:
    words = [word for name, path in files.items() for word in (name, str(path))]
    return run([str(yaml_file(folder)), *words, '--out', str(folder / 'out')])


def check(folder, capsys, number: int) -> None:
    network = list(FILES)[number // len(DAMAGES) % len(FILES)]
    how, content = damaged(FILES[network].read_bytes(), number)
    path = folder / f'damaged_{number}.pth'
    path.write_bytes(content)
    out, code = folder / 'out', imported(folder, {**FILES, network: path})
    error = capsys.readouterr().err
    if code:
        assert code == 2
        assert error.startswith('error: ') and error.count('\n') == 1
        assert path.name in error
        assert not out.exists()
    else:
        assert how in MAY_LACK
        for written in (out / 'Run.py', out / 'iter_3.pth', out / 'iter_0.pth'):
            written.unlink(missing_ok=True)
        out.rmdir()
    assert path.read_bytes() == content


@pytest.mark.parametrize('number', range(12))
def test_a_damaged_file_is_refused(tmp_path, capsys, number):
    check(tmp_path, capsys, number)


@pytest.mark.slow
def test_two_hundred_damaged_files_are_refused(tmp_path, capsys):
    for number in range(12, 212):
        check(tmp_path, capsys, number)


@pytest.mark.parametrize('network', FILES)
def test_the_file_of_another_network_is_refused(tmp_path, capsys, network):
    other = '--discriminator' if network != '--discriminator' else '--generator'
    assert imported(tmp_path, {network: FILES[other]}) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and FILES[other].name in error
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize(
    'optimizer', [None, {}, {'state': {}, 'param_groups': [{'params': [0]}]}]
)
def test_an_optimizer_of_something_else_starts_anew(tmp_path, capsys, optimizer):
    content = read_checkpoint(FILES['--generator'])
    path = tmp_path / 'other.pth'
    torch.save({**content, 'optimizer': optimizer}, path)
    assert imported(tmp_path, {'--generator': path}) == 0
    assert 'other.pth has other parameters, it starts anew' in capsys.readouterr().out


@pytest.mark.parametrize('entry', [None, {}, {'step': 'three'}, {'step': 3}])
def test_averages_that_are_none_of_adams_are_refused(tmp_path, capsys, entry):
    content = read_checkpoint(FILES['--generator'])
    content['optimizer']['state'][0] = entry
    path = tmp_path / 'other.pth'
    torch.save(content, path)
    assert imported(tmp_path, {'--generator': path}) == 2
    error = capsys.readouterr().err
    assert 'other.pth: the optimizer of the network has another state' in error
    assert error.count('\n') == 1
