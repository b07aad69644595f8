"""Speed of D2D-CE, forward and backward, against other ways and other losses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from typing import NamedTuple

import torch
from benchmark_measure import median_seconds, random_batch, training_step
from benchmark_rows import Report, Row, at_least, faster, not_measured, report
from torch import Tensor
from torch.nn import functional as F

from reacgan_plugin.functional import d2d_cross_entropy

PEER = 'pytorch_metric_learning'
GOAL_ON_A_CPU = 400  # times, against the broadcast form
PEERS = ('ProxyAnchorLoss', 'NTXentLoss', 'SupConLoss')


class Sizes(NamedTuple):
    batch: int
    width: int
    classes: int
    large_batch: int  # of the comparison of blocks with the whole matrix


SIZES = {
    'small': Sizes(batch=16, width=32, classes=10, large_batch=64),
    'full': Sizes(batch=256, width=2048, classes=1000, large_batch=4096),
}


def measure(options) -> Report:
    how = SIZES[options.scale], options.repeats, options.device
    rows = [
        against_broadcast(*how),
        *against_metric_learning(*how),
        against_whole_matrix(*how),
    ]
    return report(rows, f'Medians of {options.repeats} turns. {_version_of_peer()}.')


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


def d2d_step(loss: Callable, batch: tuple[Tensor, ...]) -> Callable[[], None]:
    return training_step(lambda: loss(*batch), *batch[:2])


def against_broadcast(sizes: Sizes, repeats: int, device: str) -> Row:
    batch = random_batch(sizes.batch, sizes.width, sizes.classes, device)
    seconds = median_seconds(
        repeats,
        ours=d2d_step(d2d_cross_entropy, batch),
        other=d2d_step(broadcast_d2d_ce, batch),
    )
    what = f'D2D-CE against the broadcast form, B {sizes.batch} D {sizes.width}'
    goal = GOAL_ON_A_CPU if device == 'cpu' else None
    return faster(what, seconds['ours'], seconds['other'], goal)


def against_metric_learning(
    sizes: Sizes, repeats: int, device: str = 'cpu'
) -> list[Row]:
    batch = random_batch(sizes.batch, sizes.width, sizes.classes, device)
    embedding, _, label = batch
    size = f'B {sizes.batch} D {sizes.width} K {sizes.classes}'
    what = {name: f'D2D-CE against {name}, {size}' for name in PEERS}
    if find_spec(PEER) is None:
        reason = f"{PEER} is not installed (pip install 'reacgan_plugin[test]')"
        return [not_measured(each, at_least(1), reason) for each in what.values()]
    others = {
        name: training_step(
            lambda loss=loss: loss(embedding, label), embedding, *loss.parameters()
        )
        for name, loss in metric_learning_losses(sizes, device).items()
    }
    ours = d2d_step(d2d_cross_entropy, batch)
    seconds = median_seconds(repeats, ours=ours, **others)
    return [faster(what[name], seconds['ours'], seconds[name], 1) for name in PEERS]


def metric_learning_losses(sizes: Sizes, device: str) -> dict[str, torch.nn.Module]:
    from pytorch_metric_learning import losses

    proxies = losses.ProxyAnchorLoss(sizes.classes, sizes.width).to(device)
    pairs = losses.NTXentLoss(temperature=0.5), losses.SupConLoss(temperature=0.5)
    return dict(zip(PEERS, (proxies, *pairs), strict=True))


def _version_of_peer() -> str:
    if find_spec(PEER) is None:
        return f'No {PEER}'
    return f'{PEER} {version(PEER)}'


def against_whole_matrix(sizes: Sizes, repeats: int, device: str) -> Row:
    """What computing blocks again costs where the whole matrix would fit, too."""
    batch = random_batch(sizes.large_batch, sizes.width, device=device)
    rows = sizes.large_batch // 8
    seconds = median_seconds(
        repeats,
        ours=d2d_step(partial(d2d_cross_entropy, block_size=rows), batch),
        other=d2d_step(d2d_cross_entropy, batch),
    )
    what = f'blocks of {rows} rows against the whole matrix, B {sizes.large_batch}'
    return faster(f'{what} D {sizes.width}', seconds['ours'], seconds['other'])
