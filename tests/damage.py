"""Damaged checkpoints, drawn at random by number."""

from __future__ import annotations

import io
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import torch


class Malicious:
    """Touches a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.touch, (Path(self.target),)


def _cut(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def _empty(content: bytes, draw: random.Random) -> bytes:
    return b''


def _flipped(content: bytes, draw: random.Random) -> bytes:
    altered = bytearray(content)
    for _ in range(draw.choice((1, 1, 8))):
        altered[draw.randrange(len(altered))] ^= 1 << draw.randrange(8)
    return bytes(altered)


def _zeroed(content: bytes, draw: random.Random) -> bytes:
    """A page of zeros, as file systems leave after a power cut."""
    start = draw.randrange(len(content))
    return (
        content[:start]
        + bytes(len(content[start : start + 4096]))
        + content[start + 4096 :]
    )


def _random_bytes(content: bytes, draw: random.Random) -> bytes:
    return draw.randbytes(draw.randrange(1, 5000))


def _another_zip(content: bytes, draw: random.Random) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w') as archive:
        archive.writestr('archive/holiday.jpg', draw.randbytes(100))
    return file.getvalue()


def _with_code(content: bytes, draw: random.Random) -> bytes:
    return _saved({**_loaded(content), 'extra': Malicious('/tmp/executed')})


def _bare_pickle(content: bytes, draw: random.Random) -> bytes:
    return pickle.dumps(draw.choice(([1, 2], {'a': 1}, Malicious('/tmp/executed'))))


def _not_a_dict(content: bytes, draw: random.Random) -> bytes:
    return _saved(draw.choice((torch.ones(3), [1, 2], 'text', 7, None)))


def _without_a_key(content: bytes, draw: random.Random) -> bytes:
    """Any dict in the checkpoint lacks an entry."""
    checkpoint = _loaded(content)
    holder, key = _some_entry(checkpoint, draw)
    del holder[key]
    return _saved(checkpoint)


def _of_another_type(content: bytes, draw: random.Random) -> bytes:
    checkpoint = _loaded(content)
    holder, key = _some_entry(checkpoint, draw)
    holder[key] = draw.choice((None, 'text', [1.0], {'a': 1}, torch.ones(2, 7), 3))
    return _saved(checkpoint)


def _of_another_shape(content: bytes, draw: random.Random) -> bytes:
    checkpoint = _loaded(content)
    state = checkpoint['state_dict']
    name = draw.choice([n for n in state if isinstance(state[n], torch.Tensor)])
    state[name] = torch.ones(3, *state[name].shape)
    return _saved(checkpoint)


DAMAGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _cut,
    _flipped,
    _empty,
    _zeroed,
    _random_bytes,
    _another_zip,
    _with_code,
    _bare_pickle,
    _not_a_dict,
    _without_a_key,
    _of_another_type,
    _of_another_shape,
)


def damaged(content: bytes, number: int) -> tuple[str, bytes]:
    """What was done to a checkpoint's bytes, and what they are now."""
    damage = DAMAGES[number % len(DAMAGES)]
    return damage.__name__, damage(content, random.Random(number))


def _loaded(content: bytes) -> dict:
    return torch.load(io.BytesIO(content), weights_only=True)


def _saved(checkpoint) -> bytes:
    file = io.BytesIO()
    torch.save(checkpoint, file)
    return file.getvalue()


def _some_entry(checkpoint: dict, draw: random.Random) -> tuple[dict | list, object]:
    """A place somewhere inside, near the top as often as deep down."""
    holder = checkpoint
    while True:
        key = draw.choice(list(holder) if isinstance(holder, dict) else [0])
        deeper = holder[key]
        if not isinstance(deeper, dict | list) or not deeper or draw.random() < 0.3:
            return holder, key
        holder = deeper
