"""States that a module is put in for a while and comes back from, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


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
    """Batch norms inside keep their running statistics meanwhile, and in training
    mode go on normalising by the batch."""
    norms = [m for m in module.modules() if isinstance(m, _BatchNorm)]
    norms = [norm for norm in norms if norm.track_running_stats]
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """In evaluation mode meanwhile."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)
