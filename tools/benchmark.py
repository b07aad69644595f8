"""Measurements side by side in one run, as a Markdown table with goals and verdicts.

    python tools/benchmark.py loss [--out FILE]
    python tools/benchmark.py conditionings [--out FILE]

A measurement is a function of the parsed options that returns Markdown; ``add_loss``
shows how it becomes a subcommand.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from reacgan_plugin.functional import d2d_cross_entropy

FLOAT = 4  # bytes
LARGE_BLOCK = 256


class Row(NamedTuple):
    """One line of the table."""

    what: str
    ours: str
    other: str
    ratio: float
    goal: str
    met: bool


def faster(what: str, ours: float, other: float, goal: float) -> Row:
    """Seconds of ours against another's, which must take ``goal`` times as long."""
    ratio = other / ours
    times = f'{1e3 * ours:.1f} ms', f'{1e3 * other:.1f} ms'
    return Row(what, *times, ratio, f'>= {goal:g}', ratio >= goal)


def smaller(what: str, size: float, bound: float) -> Row:
    """Bytes against their bound."""
    ratio = size / bound
    sizes = f'{size / 1e6:.1f} MB', f'{bound / 1e6:.1f} MB'
    return Row(what, *sizes, ratio, '<= 1', ratio <= 1)


def table(rows: list[Row]) -> str:
    """Rows as Markdown."""
    lines = ['| what | ours | against | ratio | goal | verdict |', '|---' * 6 + '|']
    for row in rows:
        verdict = 'met' if row.met else 'missed'
        cells = row.what, row.ours, row.other, f'{row.ratio:.3g}', row.goal, verdict
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def median_seconds(repeats: int, **functions: Callable) -> dict[str, float]:
    """Median time of each function; they take turns, so that load hits all alike."""
    seconds = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
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


def random_batch(batch: int, width: int, classes: int = 1000) -> tuple[Tensor, ...]:
    """Embeddings (B, D), their proxies (B, D) and labels (B,)."""
    torch.manual_seed(0)
    rows = (torch.randn(batch, width, requires_grad=True) for _ in range(2))
    return *rows, torch.randint(classes, (batch,))


def broadcast_d2d_ce(
    embedding: Tensor,
    proxy: Tensor,
    label: Tensor,
    *,
    margin: float = 0.98,
    temperature: float = 0.5,
) -> Tensor:
    """Eq. 6 with cosines of (B, 1, D) against (1, B, D): B x B x D elements."""
    own = F.cosine_similarity(embedding, proxy, dim=1)
    pairs = F.cosine_similarity(embedding[:, None], embedding[None], dim=2)
    attraction = ((own - margin).clamp(max=0) / temperature).exp()
    repulsion = ((pairs - (1 - margin)).clamp(min=0) / temperature).exp()
    others = (repulsion * (label[:, None] != label)).sum(1)
    return -(attraction / (attraction + others)).log().mean()


def training_step(loss: Callable[[], Tensor], *leaves: Tensor) -> Callable[[], None]:
    """Forward and backward pass from no gradient."""

    def step():
        for leaf in leaves:
            leaf.grad = None
        loss().backward()

    return step


def d2d_step(loss: Callable, batch: tuple[Tensor, ...]) -> Callable[[], None]:
    return training_step(lambda: loss(*batch), *batch[:2])


def loss_against_broadcast(options) -> list[Row]:
    batch = random_batch(options.batch, options.width, options.classes)
    seconds = median_seconds(
        options.repeats,
        ours=d2d_step(d2d_cross_entropy, batch),
        other=d2d_step(broadcast_d2d_ce, batch),
    )
    what = f'D2D-CE against the broadcast form, B {options.batch} D {options.width}'
    return [faster(what, seconds['ours'], seconds['other'], goal=400)]


def peak_bytes(batch: int, width: int, block_size: int | None) -> int:
    """Peak of a forward and backward pass beyond its inputs."""
    inputs = random_batch(batch, width)
    with PeakMemory(*inputs) as memory:
        d2d_cross_entropy(*inputs, block_size=block_size).backward()
    return memory.peak


def loss_memory(options) -> list[Row]:
    """Small width, so that the similarity matrix is what counts."""
    batch, width, rows = 8 * options.batch, max(options.width // 16, 1), []
    for block_size in (None, max(batch // 16, 1)):
        # Normalised copies and gradients: of embedding and proxy, one each.
        own = peak_bytes(batch, width, block_size) - 4 * batch * width * FLOAT
        bound = 6 * (block_size or batch) * batch * FLOAT
        how = f'in blocks of {block_size} rows' if block_size else 'plain'
        what = f'its own peak memory, {how}, B {batch} D {width}, in 6 x rows x B'
        rows.append(smaller(what, own, bound))
    return rows


def loss_memory_large(options) -> list[Row]:
    batch, width = options.large_batch, options.width
    inputs = 2 * batch * width * FLOAT
    peak = inputs + peak_bytes(batch, width, min(LARGE_BLOCK, batch))
    what = f'all its memory, inputs too, in blocks, B {batch} D {width}'
    return [smaller(what, peak, 1e9)]


def loss_against_metric_learning(options) -> list[Row]:
    embedding, proxy, label = random_batch(
        options.batch, options.width, options.classes
    )
    others = {
        name: training_step(
            lambda loss=loss: loss(embedding, label), embedding, *loss.parameters()
        )
        for name, loss in metric_learning_losses(options).items()
    }
    ours = d2d_step(d2d_cross_entropy, (embedding, proxy, label))
    seconds = median_seconds(options.repeats, ours=ours, **others)
    size = f'B {options.batch} D {options.width} K {options.classes}'
    return [
        faster(f'D2D-CE against {name}, {size}', seconds['ours'], seconds[name], 1)
        for name in others
    ]


def metric_learning_losses(options) -> dict[str, torch.nn.Module]:
    try:
        from pytorch_metric_learning import losses
    except ImportError:
        raise SystemExit(
            'The comparison needs pytorch-metric-learning: '
            "pip install 'reacgan-plugin[test]'"
        ) from None
    return {
        'ProxyAnchorLoss': losses.ProxyAnchorLoss(options.classes, options.width),
        'NTXentLoss': losses.NTXentLoss(temperature=0.5),
        'SupConLoss': losses.SupConLoss(temperature=0.5),
    }


def measure_loss(options) -> str:
    return table(
        [
            *loss_against_broadcast(options),
            *loss_memory(options),
            *loss_memory_large(options),
            *loss_against_metric_learning(options),
        ]
    ) + (f'\n\nMedian of {options.repeats}; memory is the peak of live tensor bytes.')


def add_loss(commands) -> None:
    command = commands.add_parser('loss', help='speed and memory of D2D-CE')
    command.add_argument('--batch', type=int, default=256)
    command.add_argument('--width', type=int, default=2048)
    command.add_argument('--classes', type=int, default=1000, help='of ImageNet')
    command.add_argument('--large-batch', type=int, default=8192)
    command.add_argument('--repeats', type=int, default=5)
    command.set_defaults(measure=measure_loss)


def measure_conditionings(options) -> str:
    try:
        import benchmark_conditionings as conditionings
    except ImportError as error:
        raise SystemExit(f"{error}; pip install 'reacgan-plugin[train]'") from None
    return conditionings.measure(options) + (
        f'\n\nThe digits demo, {options.seconds:g} processor seconds a method and '
        f'thread, seed {options.seed}.'
    )


def add_conditionings(commands) -> None:
    command = commands.add_parser(
        'conditionings', help='what every conditioning reaches on the digits'
    )
    command.add_argument('--seconds', type=float, default=180, help='of each')
    command.add_argument('--seed', type=int, default=0)
    command.add_argument('--methods', nargs='+', help='default: all')
    command.set_defaults(measure=measure_conditionings)


def parser() -> argparse.ArgumentParser:
    main_parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = main_parser.add_subparsers(required=True, metavar='WHAT')
    add_loss(commands)
    add_conditionings(commands)
    for command in commands.choices.values():
        command.add_argument(
            '--threads',
            type=int,
            default=1,
            help='1, as several wait for each other on a machine that is not idle',
        )
        command.add_argument('--out', type=Path, help='file for the table')
    return main_parser


def main(arguments: list[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    torch.set_num_threads(options.threads)
    result = options.measure(options)
    load = f'{os.getloadavg()[0]:.1f}' if hasattr(os, 'getloadavg') else 'unknown'
    result += (
        f' torch {torch.__version__}, CPU, {options.threads} threads, load {load}.\n'
    )
    print(result)
    if options.out:
        options.out.write_text(result)


if __name__ == '__main__':
    main()
