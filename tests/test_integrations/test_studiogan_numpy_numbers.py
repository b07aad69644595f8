"""Numbers of NumPy in StudioGAN's files are read without executing anything."""

import zipfile

import numpy as np
import pytest
import torch

from reacgan_plugin.checkpoint import BadCheckpoint, read_checkpoint, write_checkpoint
from reacgan_plugin.integrations.studiogan.numpy_numbers import numpy_numbers_read

NUMBERS = dict(score=np.float64(0.1), half=np.float32(0.5), step=np.int64(-7))


def of_an_older_numpy(path) -> None:
    """Rename NumPy's function to what it was called before version 2."""
    with zipfile.ZipFile(path) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, 'w') as file:
        for name, data in entries.items():
            file.writestr(name, data.replace(b'numpy._core.', b'numpy.core.'))


@pytest.mark.parametrize('older', [False, True])
def test_numbers_of_numpy_become_plain_numbers(tmp_path, older):
    path = tmp_path / 'numbers.pth'
    torch.save({**NUMBERS, 'weight': torch.ones(2)}, path)
    if older:
        of_an_older_numpy(path)
    with numpy_numbers_read():
        content = read_checkpoint(path)
    assert {k: content[k] for k in NUMBERS} == {k: v.item() for k, v in NUMBERS.items()}
    assert [type(content[name]) for name in NUMBERS] == [float, float, int]


@pytest.mark.parametrize('value', [np.dtype('O'), np.ones(2), np.str_('word'), print])
def test_nothing_else_of_numpy_is_read(tmp_path, value):
    torch.save(dict(value=value), tmp_path / 'other.pth')
    with numpy_numbers_read(), pytest.raises(BadCheckpoint):
        read_checkpoint(tmp_path / 'other.pth')


def test_numbers_of_numpy_are_refused_again_afterwards(tmp_path):
    before = torch.serialization.get_safe_globals()
    with numpy_numbers_read():
        pass
    assert set(torch.serialization.get_safe_globals()) == set(before)
    write_checkpoint(NUMBERS, tmp_path / 'numbers.pth')
    with pytest.raises(BadCheckpoint, match='would execute numpy'):
        read_checkpoint(tmp_path / 'numbers.pth')
