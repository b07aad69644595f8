"""One rank of test_process_groups.py: losses over groups of several sizes, with equal
and unequal shares of the rows, into a file."""

from __future__ import annotations

import sys
from typing import NamedTuple

import torch
import torch._dynamo  # which DDP and checkpoint import, in the forks of this process
from distributed_worker import LOSSES, Encoder
from forks import fork_ranks
from torch import Tensor
from torch import distributed as dist
from torch.nn.parallel import DistributedDataParallel

from reacgan_plugin.conditioning import (
    ADC,
    TAC,
    ConditionalContrastiveLoss,
    D2DCELoss,
)
from reacgan_plugin.distributed import (
    end_process_group,
    gather_rows,
    rank,
    shares,
    start_process_group,
)
from reacgan_plugin.functional import d2d_cross_entropy

CLASSES, FEATURES, WORLD = 3, 6, 4
THREE, PAIRS = [[0, 1, 2]], [[0, 1], [2, 3]]


class Case(NamedTuple):
    """Which ranks make a group, and how many rows each rank of one brings."""

    groups: list[list[int]]
    counts: tuple[int, ...]
    uneven: bool
    one_class: bool = False  # whether the first rank has rows of one class only


CASES = {
    'three ranks': Case(THREE, (4, 4, 4), uneven=False),
    'three ranks, one of one class': Case(THREE, (4, 4, 4), False, one_class=True),
    'two groups of two': Case(PAIRS, (3, 3), uneven=False),
    'equal shares, told': Case(THREE, (2, 2, 2), uneven=True),
    'uneven shares': Case(THREE, (5, 1, 3), uneven=True),
    'uneven shares of two groups': Case(PAIRS, (2, 5), uneven=True),
    'a rank without rows': Case(THREE, (4, 0, 3), uneven=True),
    'one row in all': Case(THREE, (0, 1, 0), uneven=True),
}


def inner(**options) -> D2DCELoss:
    return D2DCELoss(embed_dim=4, gather='uneven', **options)


CONDITIONINGS = {
    'D2DCE': inner,
    'D2DCE in blocks': lambda: inner(block_size=2),
    '2C': lambda: ConditionalContrastiveLoss(embed_dim=4, gather='uneven'),
    'TAC around D2DCE': lambda: TAC(inner()),
    'ADC around D2DCE': lambda: ADC(inner()),
}
OF_CONDITIONINGS = (3, 0, 4, 1)  # rows of each of the four ranks


def batch(case: Case, number: int) -> tuple[Tensor, Tensor]:
    """Rows and labels of one group, over all its ranks."""
    random = torch.Generator().manual_seed(number)
    total = sum(case.counts)
    x = torch.randn(total, FEATURES, generator=random, dtype=torch.float64)
    label = torch.randint(CLASSES, (total,), generator=random)
    if case.one_class:
        label[: case.counts[0]] = 1
    return x, label


def weights() -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(0)
    encoder = torch.randn(5, FEATURES, generator=random, dtype=torch.float64)
    embedding = torch.randn(CLASSES, 5, generator=random, dtype=torch.float64)
    return dict(encoder_weight=encoder, embedding_weight=embedding)


def own(x: Tensor, counts: tuple[int, ...], place: int | None) -> Tensor:
    """The rows of the group's rank at a place; None: all of them."""
    return x if place is None else x.split(counts)[place]


def losses_and_gradients(name: str, number: int, group=None) -> dict[str, Tensor]:
    """Of every loss: this rank's value and the gradients of both weights."""
    case, results = CASES[name], {}
    place = None if group is None else dist.get_rank(group)
    x, label = (own(rows, case.counts, place) for rows in batch(case, number))
    for key, loss_function in LOSSES.items():
        model = Encoder(weights())
        wrapped = model
        options = {}
        if group is not None:
            wrapped = DistributedDataParallel(model, process_group=group)
            options = dict(group=group, uneven=case.uneven)
        loss = loss_function(*wrapped(x, label), label, **options)
        loss.backward()
        results[f'{key}.loss'] = loss.detach()
        results[f'{key}.encoder'] = model.encoder.grad
        results[f'{key}.embedding'] = model.embedding.grad
    return results


def head_gradients(name: str, place: int | None = None) -> dict[str, Tensor]:
    """Gradients that a conditioning's discriminator terms give its head, which judges
    twice before one backward pass."""
    torch.manual_seed(0)
    loss = CONDITIONINGS[name]()
    head = loss.build_head(FEATURES, CLASSES).double()
    wrapped = head if place is None else DistributedDataParallel(head)
    outputs = []
    for number, fake in enumerate((False, True)):
        rows = batch(Case([], OF_CONDITIONINGS, uneven=True), number)
        x, label = (own(part, OF_CONDITIONINGS, place) for part in rows)
        outputs.append(wrapped(x, label, fake=fake))
    terms = loss.discriminator(*outputs).values()
    # DDP waits for the adversarial layer, too
    (sum(terms) + sum(0 * output.logits.sum() for output in outputs)).backward()
    return {name: p.grad for name, p in head.named_parameters()}


def complaint(attempt) -> str:
    try:
        attempt()
    except ValueError as error:
        return str(error)
    return 'none'


def complaints(group) -> dict[str, str]:
    """What unequal numbers of rows, and no rows at all, are told."""
    rows = torch.ones(1 + rank() % 2, 2)
    label, nothing = torch.zeros(len(rows), dtype=torch.int64), rows[:0]
    return {
        'rows': complaint(lambda: gather_rows(rows, group)),
        'loss': complaint(lambda: d2d_cross_entropy(rows, rows, label, group=group)),
        'nothing': complaint(
            lambda: d2d_cross_entropy(
                nothing, nothing, label[:0], group=group, uneven=True
            )
        ),
    }


def gathers(group) -> dict:
    """Rows tagged with their rank, as many as it says; rank r weighs row j by r + j."""
    rows = torch.full((rank(), 2), float(rank()), requires_grad=True)
    gathered = gather_rows(rows, group, uneven=True)
    weight = rank() + torch.arange(len(gathered))
    (gathered * weight[:, None]).sum().backward()
    return dict(
        rows=gathered.detach(),
        gradient=rows.grad,
        labels=gather_rows(torch.arange(rank()), group, uneven=True),
        nothing=gather_rows(rows[:0].detach(), group, uneven=True),
        shares=tuple(shares(rows, group, uneven=True)),
    )


def main(folder: str) -> None:
    start_process_group('pytorch')
    # all ranks make all groups, those that they are not in, too
    made = {str(g): dist.new_group(g) for g in [*THREE, *PAIRS]}
    losses = {
        name: losses_and_gradients(name, number, made[str(ranks)])
        for name, case in CASES.items()
        for number, ranks in enumerate(case.groups)
        if rank() in ranks
    }
    world = dist.group.WORLD
    results = dict(
        losses=losses,
        heads={name: head_gradients(name, rank()) for name in CONDITIONINGS},
        complaints=complaints(world),
        gathers=gathers(world),
    )
    torch.save(results, f'{folder}/{rank()}.pt')
    end_process_group()


if __name__ == '__main__':
    fork_ranks(WORLD, lambda: main(sys.argv[1]))
