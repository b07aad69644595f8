"""Directions of a latent space that change images most, in closed form (Shen and Zhou
2021, "Closed-Form Factorization of Latent Semantics in GANs", SeFa).

The first thing that every layer does with its latent is a linear map. A direction n of
length one changes what all layers receive by A n, where A has the weights of these maps
below each other; |A n| is largest for the eigenvectors of A^T A with the largest
eigenvalues. No samples, labels or training are needed.

A is made of, spectral norm and equalised gains included:

- StyleGAN2: the affine maps from w to styles, of all convolutions and colour layers;
- BigGAN: the maps from a chunk of z to the gains and biases of its block, and from the
  first chunk to the start. Every direction lies in one chunk, so it has one depth;
- BigGAN-deep: the same maps, all of which read the whole z;
- SNGAN's ResNet: the map from z to the start.

Letters: D directions, T pictures of each, Z width of z (or, with styles, of w).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from reacgan_plugin.backbones import (
    BigGANDeepGenerator,
    BigGANGenerator,
    CodedGenerator,
    ResNetGenerator,
    StyleGAN2Generator,
)
from reacgan_plugin.evaluation.sampling import truncation_of
from reacgan_plugin.layers import ConditionalBatchNorm2d, evaluating
from reacgan_plugin.layers.equalised import EqualisedLinear, scaled
from reacgan_plugin.sampling.drawing import BATCH, in_batches, seeded_z


def closed_form_directions(generator: nn.Module, count: int) -> Tensor:
    """The ``count`` directions of the largest effect, the largest first: (D, Z).

    Rows have length one; their sign, which is arbitrary, makes the largest entry
    positive. With information codes they are of the z that the codes are mixed into.

    Raises: ValueError for more directions than dimensions, and for a generator whose
    layers are not known.
    """
    with torch.no_grad(), evaluating(generator):
        maps = first_maps(generator).double().cpu()
    if not 0 < count <= maps.shape[1]:
        raise ValueError(f'directions={count!r}; allowed: 1..{maps.shape[1]}')
    vectors = torch.linalg.eigh(maps.T @ maps).eigenvectors.T.flip(0)[:count]
    largest = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    return (vectors * largest.sign()).float()


def along_directions(
    generator: nn.Module,
    directions: Tensor,
    offsets: Sequence[float],
    *,
    label: int = 0,
    seed: int = 0,
    truncation: float | None = None,
    batch: int = BATCH,
) -> Tensor:
    """One sample moved along each direction: uint8 (D, T, 3, H, W).

    Args:
        generator: see :func:`closed_form_directions`.
        directions: (D, Z), which gives them.
        offsets: T lengths of the move; 0 is the sample itself.
        label: its class.
        seed: of its z.
        truncation, batch: see :func:`~reacgan_plugin.sampling.drawing.draw`.
    """
    moves = torch.tensor(offsets)[:, None] * directions[:, None]
    moves = moves.flatten(0, 1)
    z = seeded_z(generator, [seed], truncation=truncation).expand(len(moves), -1)
    labels = torch.full((len(moves),), label)
    make = _mover(generator, truncation_of(generator, truncation)[0])
    images = torch.cat(list(in_batches(generator, make, z, labels, moves, batch=batch)))
    return images.unflatten(0, (len(directions), len(offsets)))


def first_maps(generator: nn.Module) -> Tensor:
    """A of the module's docstring: (rows, Z).

    Raises: ValueError for a generator whose layers are not known.
    """
    if isinstance(generator, CodedGenerator):
        return first_maps(generator.generator)
    for kind, maps_of in MAPS.items():
        if isinstance(generator, kind):
            return maps_of(generator)
    known = ', '.join(kind.__name__ for kind in MAPS)
    raise ValueError(
        f'directions are known of {known}, not of {type(generator).__name__}'
    )


def _mover(generator: nn.Module, options: dict) -> Callable[..., Tensor]:
    def make(z: Tensor, label: Tensor, move: Tensor) -> Tensor:
        if hasattr(generator, 'styles'):
            ws = generator.styles(z, label, **options)
            return generator.synthesis(ws + move[:, None])
        if isinstance(generator, CodedGenerator):
            return generator.generator(generator.mixed(z) + move, label)
        return generator(z + move, label)

    return make


def _of_stylegan2(generator: StyleGAN2Generator) -> Tensor:
    layers = generator.synthesis.modules()
    affine = [layer for layer in layers if isinstance(layer, EqualisedLinear)]
    return torch.cat([scaled(layer, layer.weight)[0] for layer in affine])


def _of_biggan(generator: BigGANGenerator) -> Tensor:
    blocks = [_norm_maps(block) for block in generator.blocks]
    groups = [[generator.input.weight], *(maps for maps in blocks if maps)]
    width = generator.chunk  # of z, which comes after the class
    return torch.block_diag(
        *(torch.cat([weight[:, -width:] for weight in group]) for group in groups)
    )


def _of_biggan_deep(generator: BigGANDeepGenerator) -> Tensor:
    weights = [generator.input.weight, *_norm_maps(generator.blocks)]
    return torch.cat([weight[:, -generator.z_dim :] for weight in weights])


def _of_resnet(generator: ResNetGenerator) -> Tensor:
    return generator.input.weight


def _norm_maps(block: nn.Module) -> list[Tensor]:
    norms = [m for m in block.modules() if isinstance(m, ConditionalBatchNorm2d)]
    return [part.weight for norm in norms for part in (norm.gain, norm.bias)]


MAPS = {
    StyleGAN2Generator: _of_stylegan2,
    BigGANGenerator: _of_biggan,
    BigGANDeepGenerator: _of_biggan_deep,
    ResNetGenerator: _of_resnet,
}
