"""On the way from one class to another, and from one z to another.

Between classes, z stays and what the generator knows of the class moves on a straight
line:

- with styles (StyleGAN2): w, from that of the first class to that of the second;
- with a class embedding (BigGAN, BigGAN-deep, or any ``nn.Embedding`` that reads the
  label): the embedding, which all layers share;
- with one-hot classes in its norms (SNGAN's ResNet): the vector, and so every norm's
  gain and bias.

Between two z the way is spherical (White 2016, "Sampling Generative Networks", section
2.1), since a normal z of many entries lies close to a sphere.

Letters: P points on the way, T pictures of it, R rows, Z width of z.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reacgan_plugin.evaluation.sampling import truncation_of
from reacgan_plugin.layers import ConditionalBatchNorm2d
from reacgan_plugin.sampling.drawing import BATCH, in_batches, seeded_z

FRAMES = 8  # from one point to the next, both included
PARALLEL = 1e-6  # sine of an angle, below which two directions are one


def between_classes(
    generator: nn.Module,
    classes: Sequence[int],
    seeds: Sequence[int],
    *,
    frames: int = FRAMES,
    truncation: float | None = None,
    batch: int = BATCH,
) -> Tensor:
    """The way through classes for each seed: uint8 (R, T, 3, H, W), a row a seed.

    Args:
        generator: see :func:`~reacgan_plugin.sampling.drawing.draw`.
        classes: two or more, visited in this order.
        seeds: of z, which stays the same on the way.
        frames: pictures from one class to the next, both included, so that
            T = (P - 1) (frames - 1) + 1.
        truncation, batch: see :func:`~reacgan_plugin.sampling.drawing.draw`.

    Raises: ValueError for fewer than two classes or pictures, and for a generator that
    takes no class or takes it in another way than those above.
    """
    if getattr(generator, 'num_classes', True) is None:
        raise ValueError('the generator takes no class; interpolate between z')
    start, share = _way(len(classes), frames)
    points = torch.tensor(classes)
    first, second = points[start], points[start + 1]
    z = seeded_z(generator, seeds, truncation=truncation)
    rows = (
        z.repeat_interleave(len(share), 0),
        *(each.repeat(len(seeds)) for each in (first, second, share)),
    )
    options, _ = truncation_of(generator, truncation)
    make = partial(_between_two, generator, options=options)
    images = torch.cat(list(in_batches(generator, make, *rows, batch=batch)))
    return images.unflatten(0, (len(seeds), len(share)))


def between_seeds(
    generator: nn.Module,
    seeds: Sequence[int],
    classes: Sequence[int],
    *,
    frames: int = FRAMES,
    truncation: float | None = None,
    batch: int = BATCH,
) -> Tensor:
    """The way through the z of seeds for each class: uint8 (R, T, 3, H, W), a row a
    class.

    Args:
        generator: see :func:`~reacgan_plugin.sampling.drawing.draw`.
        seeds: two or more, visited in this order.
        classes: one stays the same on the way.
        frames, truncation, batch: as of :func:`between_classes`.

    Raises: ValueError for fewer than two seeds or pictures.
    """
    start, share = _way(len(seeds), frames)
    points = seeded_z(generator, seeds, truncation=truncation)
    z = slerp(points[start], points[start + 1], share)
    label = torch.tensor(classes).repeat_interleave(len(share))
    options, _ = truncation_of(generator, truncation)
    make = partial(generator, **options)
    rows = z.repeat(len(classes), 1), label
    images = torch.cat(list(in_batches(generator, make, *rows, batch=batch)))
    return images.unflatten(0, (len(classes), len(share)))


def slerp(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Between rows of the same sphere along the great circle: (N, Z), (N, Z), (N,) ->
    (N, Z). Lengths that differ pass from one to the other, and rows that point the same
    or the opposite way are joined by a straight line."""
    share = share[:, None]
    cosine = F.cosine_similarity(first, second)[:, None].clamp(-1, 1)
    angle = cosine.arccos()
    sine = angle.sin()
    parallel = sine < PARALLEL
    sine = sine.masked_fill(parallel, 1.0)
    on_the_sphere = (
        ((1 - share) * angle).sin() * first + (share * angle).sin() * second
    ) / sine
    return torch.where(parallel, first.lerp(second, share), on_the_sphere)


def _way(points: int, frames: int) -> tuple[Tensor, Tensor]:
    """At each of T pictures: which point is behind it (T,), and the share (T,) of the
    way to the next."""
    if points < 2 or frames < 2:
        raise ValueError(
            f'{points} points and {frames} frames; allowed: two or more of each'
        )
    steps = torch.arange((points - 1) * (frames - 1) + 1)
    start = (steps // (frames - 1)).clamp(max=points - 2)
    return start, steps / (frames - 1) - start


def _between_two(
    generator: nn.Module,
    z: Tensor,
    first: Tensor,
    second: Tensor,
    share: Tensor,
    *,
    options: dict,
) -> Tensor:
    """Images (N, 3, H, W) of z (N, Z) at shares (N,) of the way between classes."""
    if hasattr(generator, 'styles'):
        ends = [generator.styles(z, label, **options) for label in (first, second)]
        return generator.synthesis(torch.lerp(*ends, share[:, None, None]))
    with _moved(generator, first, second, share[:, None]) as reached:
        images = generator(z, first, **options)
    if not reached:
        raise ValueError(
            f'{type(generator).__name__} has neither styles nor an nn.Embedding that '
            'reads the label, so there is nothing between two of its classes'
        )
    return images


@contextmanager
def _moved(
    generator: nn.Module, first: Tensor, second: Tensor, share: Tensor
) -> Iterator[list]:
    """Layers that are shown the class ``first`` see a mixture with ``second``
    meanwhile; the list has those that did."""
    reached: list[nn.Module] = []

    def embedded(layer: nn.Module, args: tuple, output: Tensor) -> Tensor:
        if not (args and torch.equal(args[0], first)):
            return output  # a look-up of something else
        reached.append(layer)
        return output.lerp(F.embedding(second, layer.weight), share)

    def one_hot(layer: nn.Module, args: tuple) -> tuple:
        x, condition = args
        ends = [_one_hot(label, condition) for label in (first, second)]
        if ends[0] is None or not torch.equal(condition, ends[0]):
            return args  # an embedding, which is mixed already
        reached.append(layer)
        return x, torch.lerp(*ends, share)

    hooks = []
    for layer in generator.modules():
        if isinstance(layer, nn.Embedding):
            hooks.append(layer.register_forward_hook(embedded))
        elif isinstance(layer, ConditionalBatchNorm2d):
            hooks.append(layer.register_forward_pre_hook(one_hot))
    try:
        yield reached
    finally:
        for hook in hooks:
            hook.remove()


def _one_hot(label: Tensor, like: Tensor) -> Tensor | None:
    """One-hot rows as wide as ``like``; None where a class does not fit in."""
    width = like.shape[1]
    return F.one_hot(label, width).to(like.dtype) if label.max() < width else None
