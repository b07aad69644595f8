"""Terms of an objective by name: those that start with 'loss' are summed, all are
logged."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor


def merged(*parts: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """All terms of several parts.

    Raises: ValueError when two parts have a term of the same name, of which one would
    be lost.
    """
    terms: dict[str, Tensor] = {}
    for part in parts:
        for name, value in part.items():
            if name in terms:
                raise ValueError(
                    f'two parts of an objective name a term {name!r}; names must differ'
                )
            terms[name] = value
    return terms


def total(terms: Mapping[str, Tensor]) -> Tensor:
    """The sum of the terms that are losses."""
    return sum(value for name, value in terms.items() if name.startswith('loss'))


def mean(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Means over micro-batches, detached."""
    return {
        name: sum(part[name].detach() for part in parts) / len(parts)
        for name in parts[0]
    }
