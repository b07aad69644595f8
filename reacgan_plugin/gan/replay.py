"""Running the same pass of a network twice: same weights, same noise, no trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from reacgan_plugin.layers import settled, singular_vectors


class Passes:
    """Calls networks; here every pass stands for itself.

    Losses call the networks of a model through this object, so that an update may
    replace it by :class:`Replay`.
    """

    def through(self, network: nn.Module, forward: Callable | None = None) -> Callable:
        """What to call for a pass of the network; ``forward`` is its DDP wrapper where
        gradients are to be averaged."""
        return forward or network


class Replay(Passes):
    """Runs a sequence of passes several times over.

    In the first run the passes are ordinary ones: each takes its power iteration of
    spectral norm. In later runs the pass of the same number finds the same singular
    vectors and takes none, as if all rows had been in one batch.
    """

    def __init__(self):
        self.vectors: list[list[Tensor]] = []  # after each pass of the first run
        self.first = True
        self.number = 0

    def start(self) -> None:
        """Begin a run."""
        self.first = not self.vectors
        self.number = 0

    def through(self, network: nn.Module, forward: Callable | None = None) -> Callable:
        call = forward or network

        def one_pass(*args, **kwargs):
            if self.first:
                output = call(*args, **kwargs)
                self.vectors.append([b.clone() for b in vectors_of(network)])
                return output
            put_vectors(network, self.vectors[self.number])
            self.number += 1
            with settled(network):
                return call(*args, **kwargs)

        return one_pass


def vectors_of(network: nn.Module) -> list[Tensor]:
    """Singular vectors of all normalised weights inside."""
    return [getattr(part, name) for part, name in singular_vectors(network)]


def put_vectors(network: nn.Module, values: list[Tensor]) -> None:
    """Exchange the singular vectors; by others, since a pass before may still need
    those that are there for its backward."""
    for (part, name), value in zip(singular_vectors(network), values, strict=True):
        setattr(part, name, value.clone())


class Randomness:
    """States of torch's random numbers, on the host and on a GPU."""

    def __init__(self, like: Tensor):
        self.device = like.device
        self.host = torch.get_rng_state()
        on_gpu = self.device.type == 'cuda'
        self.gpu = torch.cuda.get_rng_state(self.device) if on_gpu else None

    def restore(self) -> None:
        """Draw from here on what was drawn from there on."""
        torch.set_rng_state(self.host)
        if self.gpu is not None:
            torch.cuda.set_rng_state(self.gpu, self.device)


@contextmanager
def drawn_again(state: Randomness, like: Tensor) -> Iterator[None]:
    """Random numbers as of a state meanwhile; afterwards they go on where they were."""
    now = Randomness(like)
    state.restore()
    try:
        yield
    finally:
        now.restore()
