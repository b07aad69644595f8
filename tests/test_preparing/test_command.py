import errno
import json
import os
import subprocess
import sys

import pytest
from prepared_files import contents, write_source
from tiny_runs import ROOT, environment

from reacgan_plugin.preparing.command import parse_arguments, run


@pytest.fixture
def photos(tmp_path):
    return write_source(tmp_path / 'photos')


def said(capsys) -> str:
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_the_form_follows_the_name_or_the_format(photos, tmp_path, capsys):
    words = [str(photos), '--size', '8', '--workers', '0']
    assert run([*words, str(tmp_path / 'a.zip')]) == 0
    assert run([*words, str(tmp_path / 'b')]) == 0
    wds = ['--format', 'wds', '--shard-size', '10']
    assert run([*words, str(tmp_path / 'c'), *wds]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f'21 images in {tmp_path}/{name}' for name in ('a.zip', 'b', 'c')]
    assert (tmp_path / 'a.zip').is_file()
    assert (tmp_path / 'b' / 'cat' / 'img00000000.png').is_file()
    assert len(list((tmp_path / 'c').glob('train-*.tar'))) == 3


def test_all_cores_work_unless_told_otherwise():
    options = parse_arguments(['a', 'b', '--size', '8'])
    assert options.workers == len(os.sched_getaffinity(0))


@pytest.mark.parametrize('words, message', [
    (['out', '--size', '0'], 'size=0 is out of range'),
    (['out', '--size', '8', '--workers', '-1'], 'workers=-1 is out of range'),
    (['out.zip', '--size', '8', '--format', 'wds'], 'only archives end in .zip'),
    (['out', '--size', '8', '--format', 'zip'], 'only archives end in .zip'),
    (['out', '--size', '8', '--format', 'wds', '--shard-size', '0'], 'shard-size=0'),
    (['photos/out', '--size', '8'], 'its source'),
    (['file/out', '--size', '8'], 'Not a directory'),
])  # fmt: skip
def test_what_is_not_possible_is_one_line(photos, tmp_path, capsys, words, message):
    (tmp_path / 'file').write_text('')
    before = contents(tmp_path)
    destination, *rest = words
    assert run([str(photos), str(tmp_path / destination), *rest]) == 2
    line = said(capsys)
    assert line.startswith('error: ') and message in line
    assert contents(tmp_path) == before


def test_a_folder_that_may_not_be_written_is_one_line(
    photos, tmp_path, capsys, monkeypatch
):
    def refused(path, *args, **kwargs):
        raise PermissionError(errno.EACCES, 'Permission denied', str(path))

    monkeypatch.setattr(os, 'mkdir', refused)  # permissions do not bind root
    assert run([str(photos), str(tmp_path / 'out'), '--size', '8']) == 2
    assert 'Permission denied' in said(capsys)


def test_a_broken_image_is_one_line_and_may_be_left_out(photos, tmp_path, capsys):
    (photos / 'dog' / '0.png').write_bytes(b'')
    words = [str(photos), str(tmp_path / 'out'), '--size', '8', '--workers', '0']
    assert run(words) == 2
    assert 'dog/0.png' in said(capsys)
    assert run([*words, '--skip-broken']) == 0
    assert 'dog/0.png' in (tmp_path / 'out.broken.txt').read_text()


def test_the_tool_is_a_script(photos, tmp_path):
    tool = str(ROOT / 'tools' / 'prepare_data.py')
    words = [str(photos), str(tmp_path / 'out'), '--size', '8', '--workers', '2']
    command = [sys.executable, tool, *words]
    options = dict(env=environment(), capture_output=True, text=True)
    ended = subprocess.run(command, **options)
    assert (ended.returncode, ended.stderr) == (0, '')
    listed = json.loads((tmp_path / 'out' / 'dataset.json').read_text())
    assert len(listed['labels']) == 21
