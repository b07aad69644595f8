import os
import pickle

import numpy as np
import pytest

from reacgan_plugin.data.safe_pickle import load_plain_pickle


class Runs:
    """An object whose pickle calls a function when it is loaded."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('protocol', [0, 1, 2, 3, 4])
def test_plain_data_comes_through(protocol):
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    data = {b'data': array, 'labels': [1, 2], 'more': ('x', b'\xff', None, 1.5)}
    loaded = load_plain_pickle(pickle.dumps(data, protocol), 'file')
    assert np.array_equal(loaded[b'data'], array)
    assert loaded['labels'] == [1, 2]
    assert loaded['more'] == ('x', b'\xff', None, 1.5)


@pytest.mark.parametrize('harm', [
    Runs(os.system, 'touch harm'),
    Runs(eval, '1'),
    Runs(getattr, np.ndarray, 'tofile'),
    Runs(pickle.loads, b'N.'),
])  # fmt: skip
def test_what_a_pickle_wants_to_run_is_refused(harm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps({'data': np.zeros(2), 'labels': harm})
    with pytest.raises(ValueError, match='data_batch_1: refused.*is not allowed'):
        load_plain_pickle(content, 'data_batch_1')
    assert not (tmp_path / 'harm').exists()


def test_other_codecs_are_refused():
    content = b'c_codecs\nencode\n(Vtext\nVidna\ntR.'
    with pytest.raises(ValueError, match="codec 'idna' is not allowed"):
        load_plain_pickle(content, 'file')


@pytest.mark.parametrize('content', [b'', b'no pickle', pickle.dumps([1] * 99)[:50]])
def test_damaged_content_names_the_file(content):
    with pytest.raises(ValueError, match='meta: refused or damaged pickle'):
        load_plain_pickle(content, 'meta')
