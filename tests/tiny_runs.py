"""Training runs of seconds: the demo config, tiny."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.config import Config

ROOT = Path(__file__).parent.parent
TINY = {
    'total_batch_size': 8,
    'train_cfg.max_iters': 4,
    'model.generator.base_channels': 2,
    'model.discriminator.base_channels': 4,
    'model.generator.z_dim': 8,
    'model.generator.shared_dim': 4,
    'default_hooks.logger.interval': 2,
    'default_hooks.checkpoint.interval': 100,
}


def arguments(work_dir, *flags: str, hooks: bool = False, **overrides) -> list[str]:
    """Arguments of ``tools/train.py`` for a tiny run; ``__`` in a name is a dot."""
    options = {**TINY, **{k.replace('__', '.'): v for k, v in overrides.items()}}
    if not hooks:
        options['custom_hooks'] = '[]'
    words = [f'{key}={value}' for key, value in options.items()]
    config = str(ROOT / 'configs' / 'biggan_reacgan_digits.py')
    return [config, '--work-dir', str(work_dir), *flags, '--cfg-options', *words]


def environment() -> dict[str, str]:
    """Of a child process: one thread that does not spin; the tests' own modules."""
    tests = str(Path(__file__).parent)
    return {
        **os.environ,
        'OMP_NUM_THREADS': '1',
        'OMP_WAIT_POLICY': 'passive',
        'PYTHONPATH': os.pathsep.join([str(ROOT), tests]),
    }


def start(*words: str, **options) -> subprocess.Popen:
    """``python tools/train.py`` in a process of its own."""
    command = [sys.executable, str(ROOT / 'tools' / 'train.py'), *words]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def plain_dumps(patch: Callable = setattr) -> None:
    """Write configs without making them pretty, which takes half of the time that a
    tiny run needs to start."""

    def plain(config) -> str:
        entries = config.to_dict().items()
        return '\n'.join(f'{name} = {value!r}' for name, value in entries) + '\n'

    patch(Config, 'pretty_text', property(plain))


def same_state(first: dict, second: dict) -> list[str]:
    """Paths of entries in which two nested states differ, bit for bit."""
    return list(_differences(first, second, ''))


def _differences(first, second, path: str):
    if isinstance(first, dict):
        if first.keys() != second.keys():
            yield f'{path}: other keys'
            return
        for key in first:
            yield from _differences(first[key], second[key], f'{path}/{key}')
    elif isinstance(first, list | tuple):
        for i, pair in enumerate(zip(first, second, strict=True)):
            yield from _differences(*pair, f'{path}/{i}')
    elif isinstance(first, torch.Tensor) or isinstance(second, torch.Tensor):
        both = isinstance(first, torch.Tensor) and isinstance(second, torch.Tensor)
        if not both or not torch.equal(first, second):
            yield path
    elif first != second:
        yield path
