"""States that a module is put in for a while and comes back from, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.nn.utils.spectral_norm import SpectralNorm


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Parameters ask for no gradient meanwhile; those that never did stay so."""
    trained = [p for p in module.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)


@contextmanager
def untracked_statistics(module: nn.Module) -> Iterator[None]:
    """Modules inside that track running statistics in training mode (batch norms, the
    average of w) keep them meanwhile, and go on as in training mode otherwise."""
    tracking = [m for m in module.modules() if m.training and _tracks(m)]
    for part in tracking:
        part.track_running_stats = False
    try:
        yield
    finally:
        for part in tracking:
            part.track_running_stats = True


def _tracks(module: nn.Module) -> bool:
    return getattr(module, 'track_running_stats', False) is True


@contextmanager
def settled(module: nn.Module) -> Iterator[None]:
    """Parametrizations inside are in evaluation mode meanwhile: a further pass takes
    no further power iteration of spectral norm, ours or torch's, old or new."""
    lists = [m for m in module.modules() if isinstance(m, ParametrizationList)]
    parts = [m for part in lists for m in part.modules()]
    parts += [part for part, hook in _old_spectral_norms(module)]
    training = [m for m in parts if m.training]
    for part in training:
        part.training = False
    try:
        yield
    finally:
        for part in training:
            part.training = True


def singular_vectors(module: nn.Module) -> list[tuple[nn.Module, str]]:
    """Where spectral norms inside, ours or torch's, keep what they iterate on: modules
    and the names of their buffers."""
    found = []
    for part in module.modules():
        if isinstance(part, ParametrizationList):
            for inner in part:
                found += [(inner, n) for n in ('_u', '_v') if hasattr(inner, n)]
    for part, hook in _old_spectral_norms(module):
        found += [(part, f'{hook.name}_{letter}') for letter in 'uv']
    return found


def _old_spectral_norms(module: nn.Module) -> Iterator[tuple[nn.Module, SpectralNorm]]:
    for part in module.modules():
        for hook in part._forward_pre_hooks.values():
            if isinstance(hook, SpectralNorm):
                yield part, hook


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """In evaluation mode meanwhile."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)
