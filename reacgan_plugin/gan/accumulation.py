"""One update of a network from micro-batches.

``plain``: gradients of micro-batches are averaged; negatives stay inside one, as in the
reference. ``exact``: the gradient of the whole batch in the memory of one micro-batch,
by two passes: what networks say of all rows without a graph, the gradient of the whole
batch's loss with respect to that, then each micro-batch once more with its part of this
gradient put in (the idea of Gao et al. 2021, "Scaling Deep Contrastive Learning Batch
Size under Memory Limited Setup", section 3).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from reacgan_plugin.gan.replay import Passes, Randomness, Replay, drawn_again
from reacgan_plugin.gan.row_gradients import RowGradient, row_gradients
from reacgan_plugin.gan.technique import Judged
from reacgan_plugin.gan.terms import mean, merged, total
from reacgan_plugin.gan.trees import rebuilt, tensors_of
from reacgan_plugin.layers import untracked_statistics


def plain_update(objective, rows: Sequence[Tensor], optimizer, accumulation: int):
    """Zero, accumulate and step; returns detached means of the terms and their loss.

    Args:
        objective: of the network that is updated, see :mod:`.objectives`.
        rows: tensors with N rows each, N a multiple of ``accumulation``.
        optimizer: the network's mmengine optim wrapper.
        accumulation: number of micro-batches.
    """
    optimizer.zero_grad()
    parts, results = _parts(rows, accumulation), []
    for number, part in enumerate(parts, start=1):
        with _synchronised(objective, last=number == len(parts)):
            judged = objective.outputs(*part)
            terms = merged(objective.terms(judged), objective.penalties(judged))
            loss = total(terms)
            optimizer.backward(loss / len(parts))
        results.append({'loss': loss, **terms})
    terms = mean(results)
    return {**terms, **objective.gan.steps.step(objective.name, optimizer, terms)}


def exact_update(objective, rows: Sequence[Tensor], optimizer, accumulation: int):
    """As :func:`plain_update`, but terms are those of all rows at once.

    The weights of every pass are those that one batch would see: spectral norm takes
    as many power iterations. Noise and dropout repeat in the second pass, running
    statistics count each micro-batch once. Where a network normalises by the batch,
    the batch is a micro-batch. Penalties of techniques are means over micro-batches.
    """
    optimizer.zero_grad()
    gan, parts, states, further = objective.gan, _parts(rows, accumulation), [], []
    gan.passes = replay = Replay()
    try:
        seen = _seen(objective, parts, replay, states)
        terms, gradients = _gradients(objective, seen)
        for number, part in enumerate(parts):
            with _synchronised(objective, last=number == len(parts) - 1):
                replay.start()
                inner, penalties = _replayed(
                    objective, part, states[number], gradients[number]
                )
                optimizer.backward(inner + total(penalties) / len(parts))
            further.append({k: v.detach() for k, v in penalties.items()})
    finally:
        gan.passes = Passes()
    terms = merged(terms, mean(further))
    terms = {'loss': total(terms), **terms}
    return {**terms, **gan.steps.step(objective.name, optimizer, terms)}


UPDATES = {'plain': plain_update, 'exact': exact_update}


def _parts(rows: Sequence[Tensor], accumulation: int) -> list[tuple[Tensor, ...]]:
    return list(zip(*(r.chunk(accumulation) for r in rows), strict=True))


def _synchronised(objective, *, last: bool):
    return objective.gan.parallel.synchronised(objective.name, last=last)


@torch.no_grad()
def _seen(objective, parts, replay: Replay, states: list) -> list[Judged]:
    """What is said of each part, without its images; ``states`` takes the random
    numbers before each."""
    seen = []
    for part in parts:
        states.append(Randomness(part[0]))
        replay.start()
        judged = objective.outputs(*part)
        seen.append(Judged(judged.real, judged.fake))
    return seen


def _gradients(objective, seen: list[Judged]) -> tuple[dict, list[list]]:
    """Detached terms of all rows, and their gradients for every tensor of each part;
    None for what they do not depend on. Empties ``seen``, since what is known of all
    rows need not be there twice."""
    tree, sizes = seen[0], [len(judged.fake.label) for judged in seen]
    columns = list(zip(*(tensors_of(judged) for judged in seen), strict=True))
    seen.clear()
    whole = []
    while columns:
        tensor = torch.cat(columns.pop(0))
        whole.append(tensor.requires_grad_(tensor.is_floating_point()))
    judged = rebuilt(tree, iter(whole))
    terms = objective.terms(judged)
    total(terms).backward()
    head = getattr(objective.gan.discriminator, 'head', None)
    class_proxies = getattr(head, 'class_proxies', False)
    split = [
        [None] * len(sizes) if gradient is None else gradient.split(sizes)
        for gradient in row_gradients(judged, class_proxies=class_proxies)
    ]
    detached = {name: term.detach() for name, term in terms.items()}
    return detached, list(zip(*split, strict=True))


def _replayed(objective, part, state: Randomness, gradients) -> tuple[Tensor, dict]:
    """A part once more, with a graph: a scalar whose gradient is that of the whole
    batch's terms, and the part's own penalties."""
    gan = objective.gan
    with (
        drawn_again(state, part[0]),
        untracked_statistics(gan.generator),
        untracked_statistics(gan.discriminator),
    ):
        judged = objective.outputs(*part)
    return _inner_product(judged, gradients), objective.penalties(judged)


def _inner_product(judged: Judged, gradients: Sequence[RowGradient | None]) -> Tensor:
    """A scalar whose gradient is that of the whole batch's loss."""
    pairs = zip(tensors_of(Judged(judged.real, judged.fake)), gradients, strict=True)
    return sum(
        gradient.inner(tensor)
        for tensor, gradient in pairs
        if gradient is not None and tensor.requires_grad
    )
