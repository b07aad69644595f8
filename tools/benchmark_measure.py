"""Time, memory and differences, and the inputs of which they are taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import torch
from benchmark_rows import Row, at_most
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def median_seconds(repeats: int, **functions: Callable) -> dict[str, float]:
    """Median time of each function; they take turns, so that load hits all alike."""
    seconds = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            if torch.cuda.is_initialized():
                torch.cuda.synchronize()  # of a GPU, which goes on behind the call
            if turn:  # the first turn warms up
                seconds[name].append(time.perf_counter() - start)
    return {name: median(times) for name, times in seconds.items()}


class PeakMemory(TorchDispatchMode):
    """Peak bytes of tensors that come to life inside and are still held by anyone."""

    def __init__(self, *existing: Tensor):
        super().__init__()
        self.existing = {tensor.untyped_storage().data_ptr() for tensor in existing}
        self.held: dict[int, tuple[StorageWeakRef, int]] = {}
        self.peak = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._hold(tensor.untyped_storage())
        self.held = {k: v for k, v in self.held.items() if not v[0].expired()}
        self.peak = max(self.peak, sum(size for _, size in self.held.values()))
        return result

    def _hold(self, storage: torch.UntypedStorage) -> None:
        if storage.data_ptr() not in self.existing:
            self.held[storage.data_ptr()] = StorageWeakRef(storage), storage.nbytes()


def random_batch(
    batch: int, width: int, classes: int = 1000, device: str = 'cpu'
) -> tuple[Tensor, ...]:
    """Embeddings (B, D), their proxies (B, D) and labels (B,)."""
    torch.manual_seed(0)
    options = dict(requires_grad=True, device=device)
    rows = (torch.randn(batch, width, **options) for _ in range(2))
    return *rows, torch.randint(classes, (batch,), device=device)


def training_step(loss: Callable[[], Tensor], *leaves: Tensor) -> Callable[[], None]:
    """Forward and backward pass from no gradient."""

    def step():
        for leaf in leaves:
            leaf.grad = None
        loss().backward()

    return step


def equality(
    what: str,
    ours: dict[torch.dtype, dict[str, Tensor]],
    other: dict[torch.dtype, dict[str, Tensor]],
    goal: float,
) -> list[Row]:
    """Two ways to one gradient, by type and name: how far they are apart.

    The goal is for float64. In float32 a rounding error may move a value across the
    kink of a ReLU, which changes a gradient visibly, whichever way it was computed:
    there the errors of both ways, against the other's float64, are compared.
    """
    true = other[torch.float64]
    error = largest_difference(ours[torch.float64], true)
    rounding = [
        largest_difference(gradients[torch.float32], true)
        for gradients in (ours, other)
    ]
    return [
        Row(
            f'difference of gradients, float64: {what}', ratio=error, goal=at_most(goal)
        ),
        Row(
            f'rounding error of gradients, float32: {what}',
            *(f'{each:.1e}' for each in rounding),
            rounding[0] / rounding[1],
        ),
    ]


def largest_difference(ours: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """Largest relative difference of tensors by name, in the L2 norm of each."""
    return max(_relative(ours[name], other[name]) for name in other)


def _relative(ours: Tensor, other: Tensor) -> float:
    error = (ours - other).norm()
    return (error / other.norm()).item() if error else 0.0
