"""What a random transformation is made of, and when it is applied. Letters: N batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Transformation(NamedTuple):
    """A random change of an image that a matrix stands for."""

    name: str
    draw: Callable[[Tensor], Tensor]  # x -> numbers (N, ...), zeros being the identity
    matrix: Callable[[Tensor], Tensor]  # those numbers -> (N, D + 1, D + 1)
    chance: Callable[[Tensor], Tensor] = lambda p: p  # of it, where p is that of all

    def matrix_for(self, x: Tensor, probability: Tensor) -> Tensor:
        """Matrices of some samples, drawn with a probability, and identities."""
        return self.matrix(gated(self.draw(x), self.chance(probability)))


def names_of(transformations: tuple[Transformation, ...]) -> tuple[str, ...]:
    """Each name once, in order."""
    return tuple(dict.fromkeys(step.name for step in transformations))


def gated(numbers: Tensor, probability: Tensor) -> Tensor:
    """Each row (N, ...) as it is with a probability, else zeros."""
    chosen = uniform(numbers) < probability
    return numbers * chosen.view(-1, *[1] * (numbers.ndim - 1))


def uniform(x: Tensor, *width: int) -> Tensor:
    """(N, ...) numbers from 0 to 1, of x's type."""
    return torch.rand(len(x), *width, dtype=x.dtype, device=x.device)


def either_side(x: Tensor, *width: int) -> Tensor:
    """(N, ...) numbers from -1 to 1."""
    return 2 * uniform(x, *width) - 1


def normal(x: Tensor, *width: int) -> Tensor:
    """(N, ...) standard normal numbers."""
    return torch.randn(len(x), *width, dtype=x.dtype, device=x.device)


def whole(x: Tensor, count: int) -> Tensor:
    """(N,) whole numbers from 0 to count - 1."""
    return torch.randint(count, (len(x),), device=x.device).to(x.dtype)
