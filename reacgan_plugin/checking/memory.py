"""How much memory a training step takes, estimated from two real ones of few images."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.data import default_collate

FEW = (2, 4)  # images of the two steps: what grows with their number, and what does not


class Memory(NamedTuple):
    """Bytes of one process in one micro-batch."""

    networks: int
    gradients: int
    optimizers: int
    average: int
    activations: int

    @property
    def total(self) -> int:
        return sum(self)

    @property
    def checkpoint(self) -> int:
        """Bytes of the file."""
        return self.networks + self.optimizers + self.average


def estimated_memory(model, optim_wrapper, dataset, micro_batch: int) -> Memory:
    """Take two steps, which change the model, and count what they keep.

    Activations are what backward passes wait for at once, scaled to the micro-batch.
    Libraries' workspaces, fragments and what a single operation needs for a moment come
    on top, on a GPU commonly a few tenths.

    Args:
        model: a :class:`~reacgan_plugin.gan.model.ConditionalGAN` that nobody needs
            afterwards.
        optim_wrapper: of its two networks.
        dataset: of its training images.
        micro_batch: images in a forward pass.
    """
    model.d_updates = model.accumulation = 1
    model.train()
    few, more = (_activations(model, optim_wrapper, dataset, n) for n in FEW)
    per_image = (more - few) / (FEW[1] - FEW[0])
    constant = max(0, few - FEW[0] * per_image)
    networks = model.generator, model.discriminator
    average = model.generator_ema
    return Memory(
        networks=sum(_bytes(_state(network)) for network in networks),
        gradients=sum(_bytes(network.parameters()) for network in networks),
        optimizers=sum(_bytes(_moments(w.optimizer)) for w in optim_wrapper.values()),
        average=0 if average is None else _bytes(_state(average)),
        activations=round(constant + micro_batch * per_image),
    )


class Held:
    """What autograd keeps, at most: enter it as a context around a step.

    A storage that several operations save counts once, those of ``apart`` not at all.
    """

    def __init__(self, apart: Iterable[Tensor]):
        self.apart = {_place(tensor) for tensor in apart}
        self.users: Counter = Counter()
        self.now = self.most = 0
        self._hooks = saved_tensors_hooks(self._keep, lambda kept: kept.tensor)

    def __enter__(self) -> Held:
        self._hooks.__enter__()
        return self

    def __exit__(self, *reason) -> None:
        self._hooks.__exit__(*reason)

    def _keep(self, tensor: Tensor) -> _Kept:
        kept, place = _Kept(tensor), _place(tensor)
        if place not in self.apart:
            size = tensor.untyped_storage().nbytes()
            self._count(place, size, 1)
            weakref.finalize(kept, self._count, place, size, -1)
        return kept

    def _count(self, place: int, size: int, change: int) -> None:
        before = self.users[place] > 0
        self.users[place] += change
        self.now += size * ((self.users[place] > 0) - before)
        self.most = max(self.most, self.now)


class _Kept:
    def __init__(self, tensor: Tensor):
        self.tensor = tensor


def _activations(model, optim_wrapper, dataset, images: int) -> int:
    items = [dataset[index % len(dataset)] for index in range(images)]
    with Held(_state(model)) as held:
        model.train_step(default_collate(items), optim_wrapper)
    return held.most


def _state(module: torch.nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]


def _moments(optimizer) -> list[Tensor]:
    entries = (entry.values() for entry in optimizer.state.values())
    return [value for values in entries for value in values if torch.is_tensor(value)]


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)
