import errno
import os
import pickle
import resource
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from torch import nn

from reacgan_plugin import checkpoint
from reacgan_plugin.checkpoint import (
    BrokenCheckpoint,
    load_state,
    newest_checkpoint,
    newest_whole,
    note_last,
    plain_history,
    read_checkpoint,
    restore_history,
    write_checkpoint,
)


def contents(iteration=3):
    state = {'weight': torch.arange(4.0), 'count': torch.tensor(iteration)}
    return dict(meta=dict(iter=iteration, classes=['cat', 'dog']), state_dict=state)


def assert_same(loaded, expected):
    assert loaded['meta'] == expected['meta']
    for name, value in expected['state_dict'].items():
        assert torch.equal(loaded['state_dict'][name], value)


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / 'last.pth'
    write_checkpoint(contents(), path)
    assert_same(read_checkpoint(path), contents())
    assert_same(read_checkpoint(str(path)), contents())
    assert [p.name for p in tmp_path.iterdir()] == ['last.pth']


def test_a_newer_checkpoint_takes_the_place_of_the_older(tmp_path):
    path = tmp_path / 'last.pth'
    write_checkpoint(contents(3), path)
    write_checkpoint(contents(4), str(path))
    assert_same(read_checkpoint(path), contents(4))


def test_a_full_disk_leaves_the_older_checkpoint_and_nothing_else(
    tmp_path, monkeypatch
):
    path = tmp_path / 'last.pth'
    write_checkpoint(contents(3), path)
    before = path.read_bytes()

    def half_saved(value, file):
        file.write(b'half of it')
        file.flush()
        assert path.read_bytes() == before  # written aside
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(torch, 'save', half_saved)
    with pytest.raises(OSError, match='No space left'):
        write_checkpoint(contents(4), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ['last.pth']


def test_a_value_that_cannot_be_saved_leaves_the_older_checkpoint(tmp_path):
    path = tmp_path / 'last.pth'
    write_checkpoint(contents(3), path)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        write_checkpoint({**contents(4), 'function': lambda: None}, path)
    assert_same(read_checkpoint(path), contents(3))
    assert [p.name for p in tmp_path.iterdir()] == ['last.pth']


def test_what_a_killed_run_left_aside_does_not_stop_the_next(tmp_path):
    path = tmp_path / 'last.pth'
    (tmp_path / '.last.pth.partial').write_bytes(b'half of it')
    write_checkpoint(contents(), path)
    assert_same(read_checkpoint(path), contents())
    assert [p.name for p in tmp_path.iterdir()] == ['last.pth']


class Malicious:
    """Touches a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.touch, (Path(self.target),)


def by_torch(value, path):
    torch.save(value, path)


def by_torchs_older_format(value, path):
    torch.save(value, path, _use_new_zipfile_serialization=False)


def by_pickle(value, path):
    path.write_bytes(pickle.dumps(value, protocol=2))  # that of torch.save


SAVERS = [by_torch, by_torchs_older_format, by_pickle]


@pytest.mark.parametrize('save', SAVERS)
def test_code_in_a_checkpoint_is_refused_and_not_executed(tmp_path, save):
    """R26: and the error says how to keep the weights."""
    path, target = tmp_path / 'bad.pth', tmp_path / 'executed'
    save({**contents(), 'extra': Malicious(target)}, path)
    with pytest.raises(ValueError, match=r'bad\.pth would execute'):
        read_checkpoint(path)
    assert not target.exists()
    path.unlink()
    pickle.loads(pickle.dumps(Malicious(target)))  # the trap does go off
    assert target.exists()


@pytest.mark.parametrize('kept', [0, 1, 10, 100, 0.3, 0.6, 0.9, -1])
def test_a_truncated_file_raises_and_is_named(tmp_path, kept):
    path = tmp_path / 'last.pth'
    write_checkpoint(contents(), path)
    whole = path.read_bytes()
    length = int(kept * len(whole)) if isinstance(kept, float) else kept
    path.write_bytes(whole[:length])
    with pytest.raises(ValueError, match=r'last\.pth is broken'):
        read_checkpoint(path)


OTHER_FILES = [
    b'\x89PNG\r\n\x1a\n',
    b'<html>not found</html>',
    b'{"iter": 3}',
    b'hello\n',
    b'\x80',
]


@pytest.mark.parametrize('content', OTHER_FILES)
def test_a_file_of_another_kind_raises_and_is_named(tmp_path, content):
    path = tmp_path / 'other.pth'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r'other\.pth'):
        read_checkpoint(path)


@pytest.mark.parametrize('name', ['none.pth', '.'])
def test_a_missing_file_and_a_folder_raise(tmp_path, name):
    with pytest.raises(ValueError, match='does not exist'):
        read_checkpoint(tmp_path / name)


class WithExtra(nn.Linear):
    """A module with extra state beside its tensors."""

    iteration = 0

    def get_extra_state(self):
        return {'iteration': self.iteration}

    def set_extra_state(self, state):
        self.iteration = state['iteration']


def test_a_state_is_loaded_with_its_extra_state():
    module, other = WithExtra(2, 3), WithExtra(2, 3)
    other.iteration = 5
    load_state(module, other.state_dict(), 'last.pth')
    assert torch.equal(module.weight, other.weight)
    assert module.iteration == 5


def test_another_architecture_raises_with_names_and_shapes():
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1, bias=False))
    before = module[0].bias.clone()
    state = {
        '0.weight': torch.zeros(4, 2),
        '0.bias': torch.zeros(3),
        '2.weight': torch.zeros(1),
    }
    with pytest.raises(ValueError) as caught:
        load_state(module, state, 'last.pth')
    message = str(caught.value)
    assert message.startswith('last.pth is of another architecture')
    assert 'missing: 1.weight' in message
    assert 'unexpected: 2.weight' in message
    assert 'of another shape: 0.weight (4, 2) instead of (3, 2)' in message
    assert '0.bias' not in message
    assert torch.equal(module[0].bias, before)  # nothing of it was loaded


def many(count, prefix='name'):
    return {f'{prefix}{number}': torch.zeros(1) for number in range(count)}


@pytest.mark.parametrize('count, more', [(10, None), (11, 1), (25, 15)])
def test_an_error_lists_ten_names_at_most(count, more):
    module = nn.Identity()
    with pytest.raises(ValueError) as caught:
        load_state(module, many(count), 'last.pth')
    message = str(caught.value)
    assert message.count('name') == 10
    assert ('more' in message) is (more is not None)
    assert more is None or message.endswith(f'and {more} more')


def hub_with(history):
    hub = MessageHub('for a test')  # not the instance that a runner looks up
    for name, entries in history.items():
        for value, count in entries:
            hub.update_scalar(name, value, count)
    return hub


HISTORY = {
    'train/d/loss': [(0.5, 1), (0.25, 2), (float('nan'), 1), (float('inf'), 3)],
    'train/lr': [(1e-4, 1)],
}


def entries(hub):
    return {
        name: [array.tolist() for array in buffer.data]
        for name, buffer in hub.log_scalars.items()
    }


def test_the_history_of_a_run_survives_a_checkpoint(tmp_path):
    """R26: as numbers, which any torch loads with weights_only=True."""
    hub = hub_with(HISTORY)
    write_checkpoint(dict(history=plain_history(hub)), tmp_path / 'last.pth')
    restored = hub_with({'train/lr': [(7.0, 7)]})  # is replaced
    restore_history(restored, read_checkpoint(tmp_path / 'last.pth')['history'])
    assert entries(restored).keys() == entries(hub).keys()
    for name, (values, counts) in entries(hub).items():
        assert np.array_equal(entries(restored)[name][0], values, equal_nan=True)
        assert entries(restored)[name][1] == counts


def test_a_restored_history_goes_on():
    hub, restored = hub_with(HISTORY), hub_with({})
    restore_history(restored, plain_history(hub))
    restored.update_scalar('train/lr', 3e-4)
    assert entries(restored)['train/lr'] == [[1e-4, 3e-4], [1, 1]]
    assert restored.get_scalar('train/lr').mean(2) == pytest.approx(2e-4)


def test_a_history_is_plain_numbers():
    history = plain_history(hub_with(HISTORY))
    assert history.keys() == HISTORY.keys()
    for name, plain in history.items():
        assert plain.keys() == {'values', 'counts'}
        assert [type(value) for value in plain['values']] == [float] * len(
            HISTORY[name]
        )
        assert plain['counts'] == [count for _, count in HISTORY[name]]


def test_of_a_long_history_the_newest_entries_are_kept(monkeypatch):
    monkeypatch.setattr(checkpoint, 'KEPT', 3)
    hub, restored = (
        hub_with({'loss': [(float(n), n) for n in range(1, 6)]}),
        hub_with({}),
    )
    restore_history(restored, plain_history(hub))
    assert entries(restored)['loss'] == [[3.0, 4.0, 5.0], [3, 4, 5]]


def test_other_scalars_of_a_hub_stay():
    restored = hub_with({'mine': [(2.0, 1)]})
    restore_history(restored, plain_history(hub_with(HISTORY)))
    assert entries(restored)['mine'] == [[2.0], [1]]


def test_the_newest_checkpoint_is_that_of_the_latest_iteration(tmp_path):
    assert newest_checkpoint(tmp_path) is None
    for name in ('iter_9.pth', 'iter_10.pth', 'iter_x.pth', '.iter_11.pth.partial'):
        (tmp_path / name).touch()
    assert newest_checkpoint(tmp_path).name == 'iter_10.pth'


def test_checkpoints_of_an_earlier_run_in_the_folder_are_not_gone_on_from(tmp_path):
    for iteration in (1, 2, 4):
        write_checkpoint(contents(iteration), tmp_path / f'iter_{iteration}.pth')
    note_last(tmp_path / 'iter_2.pth')
    assert newest_checkpoint(tmp_path).name == 'iter_2.pth'
    assert newest_whole(tmp_path) == (tmp_path / 'iter_2.pth', [])
    (tmp_path / 'iter_2.pth').write_bytes(b'')
    assert newest_whole(tmp_path)[0] == tmp_path / 'iter_1.pth'
    for lost in ('', 'elsewhere/iter_9.pth', '\xff'):  # a full disk, a removed file
        (tmp_path / 'last_checkpoint').write_text(lost, 'latin-1')
        assert newest_checkpoint(tmp_path).name == 'iter_4.pth'


def altered(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_a_flipped_bit_of_a_weight_is_found(tmp_path):
    path = tmp_path / 'last.pth'
    weight = torch.full((1000,), 7.5)
    write_checkpoint(dict(state_dict={'weight': weight}), path)
    altered(path, path.read_bytes().index(weight.numpy().tobytes()) + 2001)
    torch.load(path, weights_only=True)  # which notices nothing
    with pytest.raises(BrokenCheckpoint, match=r'last\.pth is broken.*checksum of'):
        read_checkpoint(path)


@pytest.mark.parametrize('value', [torch.ones(2), [1], 'text', None])
def test_what_is_no_dict_is_no_checkpoint(tmp_path, value):
    torch.save(value, tmp_path / 'last.pth')
    with pytest.raises(BrokenCheckpoint, match=r'last\.pth holds a .* instead of'):
        read_checkpoint(tmp_path / 'last.pth')


def test_of_several_checkpoints_the_newest_whole_one_is_found(tmp_path):
    for iteration in (2, 4, 10):
        write_checkpoint(contents(iteration), tmp_path / f'iter_{iteration}.pth')
    assert newest_whole(tmp_path) == (tmp_path / 'iter_10.pth', [])
    (tmp_path / 'iter_10.pth').write_bytes(b'')
    altered(tmp_path / 'iter_4.pth', -30)  # in the directory of the zip
    path, problems = newest_whole(tmp_path)
    assert path == tmp_path / 'iter_2.pth'
    assert ['iter_10.pth' in problems[0], 'iter_4.pth' in problems[1]] == [True, True]
    (tmp_path / 'iter_2.pth').write_bytes(b'PK')
    with pytest.raises(BrokenCheckpoint, match='no whole checkpoint: .*iter_2'):
        newest_whole(tmp_path)


def test_a_folder_without_checkpoints_has_nothing_to_go_on_from(tmp_path):
    (tmp_path / '.iter_4.pth.partial').write_bytes(b'half')
    assert newest_whole(tmp_path) == (None, [])


def test_a_disk_that_is_full_while_writing_is_named_with_the_file(tmp_path):
    (tmp_path / '.last.pth.partial').symlink_to('/dev/full')
    with pytest.raises(OSError, match=r'last\.pth cannot be written: .*No space left'):
        write_checkpoint(contents(), tmp_path / 'last.pth')
    assert list(tmp_path.iterdir()) == []
    write_checkpoint(contents(), tmp_path / 'last.pth')


def limited_to(size):
    """In a child process: what a quota does after so many bytes of a file."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_write_that_is_cut_short_is_told_from_a_broken_value(tmp_path):
    path = tmp_path / 'last.pth'
    write_checkpoint(contents(3), path)
    child = os.fork()
    if not child:
        code = 1
        try:
            limited_to(100_000)
            write_checkpoint({'weight': torch.zeros(1_000_000)}, path)
        except OSError as error:
            code = 0 if 'last.pth cannot be written' in str(error) else 2
        os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert_same(read_checkpoint(path), contents(3))
    assert [p.name for p in tmp_path.iterdir()] == ['last.pth']
