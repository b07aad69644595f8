"""Networks that run compiled code, and go on without it where it cannot be made.

A network is compiled in place, by ``module.compile``: names in its state dict stay,
and copies of it, such as the generator's average, are eager.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from reacgan_plugin.options import one_of

KEY = 'model.compile'
OPTIONS = ('mode', 'backend', 'fullgraph', 'dynamic', 'options')
MODES = ('default', 'reduce-overhead', 'max-autotune', 'max-autotune-no-cudagraphs')


def compile_network(
    network: nn.Module,
    options: Mapping,
    *,
    name: str,
    warn: Callable[[str], None] = warnings.warn,
) -> None:
    """Compile the network when it is called first, and for whatever else it is called
    with later.

    Args:
        network: calls of it run the compiled code, also through DDP around it.
        options: ``mode``, ``backend``, ``fullgraph``, ``dynamic`` and ``options`` with
            the meanings of :func:`torch.compile`; those left out are torch's own.
        name: what the warning calls it.
        warn: called once, with one line, if the network cannot be compiled; it runs
            its own code from then on.

    Code is made for the first derivative only, so that penalties on gradients call the
    network under :func:`eager`. Under compiled code, torch's own spectral norm allows
    no two passes before a backward; this package's does.

    Raises: ValueError for options, modes and backends that torch does not know. An
    error of the network itself stays what it is.
    """
    _check(options)
    network.compile(**options)
    network._compiled_call_impl = _Attempt(network, name, warn)


@contextmanager
def eager(module: nn.Module) -> Iterator[None]:
    """Calls of the module, and of modules inside, run their own code meanwhile."""
    compiled = {
        part: part._compiled_call_impl
        for part in module.modules()
        if part._compiled_call_impl is not None
    }
    for part in compiled:
        part._compiled_call_impl = None
    try:
        yield
    finally:
        for part, call in compiled.items():
            part._compiled_call_impl = call


class _Attempt:
    """Calls a network's compiled code; where there cannot be any, its own for good."""

    def __init__(self, network: nn.Module, name: str, warn: Callable[[str], None]):
        self.network, self.name, self.warn = network, name, warn
        self.compiled = network._compiled_call_impl

    def __call__(self, *args, **kwargs):
        if self.compiled is None:
            return self.network._call_impl(*args, **kwargs)
        try:
            return self.compiled(*args, **kwargs)
        except Exception as error:
            if not _is_of_the_compiler(error):
                raise
            reason = ' '.join(str(error).split('\n')[:2]).strip()
            self.warn(
                f'{KEY}: the {self.name} cannot be compiled and runs without: '
                f'{type(error).__name__}: {reason}'
            )
            self.compiled = None
        # outside of the handler, so that an error of its own is not chained to that
        return self.network._call_impl(*args, **kwargs)


def _is_of_the_compiler(error: Exception) -> bool:
    from torch._dynamo.exc import TorchDynamoException  # here, as it imports for long

    return isinstance(error, TorchDynamoException)


def _check(options: Mapping) -> None:
    for key, value in options.items():
        one_of(f'{KEY} option', key, OPTIONS)
        if key == 'mode' and value is not None:
            one_of(f'{KEY}.mode', value, MODES)
        if key == 'backend' and not callable(value):
            one_of(f'{KEY}.backend', value, torch.compiler.list_backends(()))
    if options.get('mode') is not None and options.get('options') is not None:
        raise ValueError(f'{KEY} has mode and options; allowed: one of them')
