import pytest

from reacgan_plugin.writing import check_writable, write_text, written_aside


def test_a_file_that_is_not_finished_leaves_the_one_before_and_nothing_else(tmp_path):
    path = tmp_path / 'x.json'
    write_text(path, 'whole')
    with pytest.raises(OSError, match='disk full'), written_aside(path) as file:
        file.write(b'half')
        raise OSError('disk full')
    assert path.read_text() == 'whole'
    assert list(tmp_path.iterdir()) == [path]


def test_folders_above_a_file_are_made_and_nothing_else_is_left(tmp_path):
    write_text(tmp_path / 'a' / 'b' / 'x.txt', 'Bär')
    assert (tmp_path / 'a' / 'b' / 'x.txt').read_bytes() == 'Bär'.encode()
    assert [path.name for path in (tmp_path / 'a' / 'b').iterdir()] == ['x.txt']


def test_a_folder_cannot_be_replaced_by_a_file(tmp_path):
    (tmp_path / 'x').mkdir()
    with pytest.raises(OSError):
        write_text(tmp_path / 'x', 'text')
    assert [path.name for path in tmp_path.iterdir()] == ['x']


def test_whether_a_file_can_be_written_is_known_before(tmp_path):
    check_writable(tmp_path / 'a' / 'x.json')
    assert list((tmp_path / 'a').iterdir()) == []
    with pytest.raises(ValueError, match='is a folder; allowed: the name of a file'):
        check_writable(tmp_path)
    (tmp_path / 'file').touch()
    with pytest.raises(OSError):
        check_writable(tmp_path / 'file' / 'x.json')
