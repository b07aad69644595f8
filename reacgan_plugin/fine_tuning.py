"""What a new run takes over of another run's networks: all of it, but for what depends
on the number of classes or belongs to another conditioning's head."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from reacgan_plugin.gan.networks import build_generator
from reacgan_plugin.options import some

NETWORKS = ('generator.', 'discriminator.', 'generator_ema.')
GENERATORS = ('generator.', 'generator_ema.')
AVERAGE, HEAD = 'generator_ema.', 'discriminator.head.'
# a normalised weight and its singular vectors, of torch's two kinds of spectral norm
OF_ONE_WEIGHT = re.compile(r'(\.parametrizations(\.\w+))\..*|(?<=weight)_(orig|u|v)$')


class Start(NamedTuple):
    """What a new run begins with, and remarks on what it does not take over."""

    state: dict
    remarks: list[str]


def start_from(model, theirs: dict, generator: dict) -> Start:
    """The state that a model begins with, given that of another run.

    Techniques and the count of iterations begin anew. So do weights that depend on the
    number of classes where that is another one, and layers of the head that the other
    run did not have, each with its singular vectors. What differs elsewhere stays in
    the state, for a strict loading to complain about.

    Args:
        model: a :class:`~reacgan_plugin.gan.model.ConditionalGAN`, just built.
        theirs: the other run's state dict.
        generator: the config that the model's generator was built from.
    """
    own = model.state_dict()
    named = {str(name): value for name, value in theirs.items()}
    theirs = {name: v for name, v in named.items() if not _begins_anew(name)}
    state, remarks = _with_average(own, theirs)
    misfits = {n for n in own if n.startswith(NETWORKS) and n not in state}
    misfits |= of_another_shape(own, state)
    by_class = names_by_class(model, generator) if misfits else set()
    fresh = _to_initialise(own, state, misfits, by_class)
    lost = [n for n in state if n.startswith(HEAD) and n not in own]
    if fresh or lost:
        remarks.append(
            'of another number of classes or conditioning. Initialised anew: '
            + (some(_described(own, state, fresh)) or 'nothing')
            + (f'; left out: {some(sorted({_shown(n) for n in lost}))}' if lost else '')
        )
    kept = {name: value for name, value in state.items() if name not in lost}
    outside = {n: v for n, v in own.items() if not n.startswith(NETWORKS)}
    return Start({**kept, **outside, **{n: own[n] for n in fresh}}, remarks)


def names_by_class(model, generator: dict) -> set[str]:
    """Names of a model's state dict whose shapes depend on the number of classes: those
    that are another one for a class more.

    Args:
        model: a :class:`~reacgan_plugin.gan.model.ConditionalGAN`.
        generator: the config that its generator was built from.
    """
    more, backbone = model.num_classes + 1, model.discriminator.backbone
    with torch.random.fork_rng():
        larger = build_generator(without_count(generator), more, model.image_channels)
        head = model.loss.build_head(
            backbone.out_channels, more, layers=getattr(backbone, 'head_layers', None)
        )
    parts = {'generator.': larger, AVERAGE: larger, HEAD: head}
    wider = {
        prefix + name: value
        for prefix, module in parts.items()
        for name, value in module.state_dict().items()
    }
    return of_another_shape(model.state_dict(), wider)


def of_another_shape(own: dict, theirs: dict) -> set[str]:
    """Names of tensors that both have, in different shapes."""

    def differs(one, other) -> bool:
        tensors = isinstance(one, Tensor) and isinstance(other, Tensor)
        return tensors and one.shape != other.shape

    return {n for n in own if n in theirs and differs(own[n], theirs[n])}


def without_count(generator: dict) -> dict:
    """A generator's config that takes any number of classes; None, a generator without
    labels, stays."""
    kept = {k: v for k, v in generator.items() if k != 'num_classes' or v is None}
    if isinstance(kept.get('generator'), dict):  # one around another one
        kept['generator'] = without_count(kept['generator'])
    return kept


def whole_weights(names: Iterable[str], of: Iterable[str]) -> set[str]:
    """The names, and with each the other parts of the same normalised weight."""
    weights = {_weight(name) for name in names}
    return {name for name in of if _weight(name) in weights}


def _to_initialise(
    own: dict, theirs: dict, misfits: set[str], by_class: set[str]
) -> list[str]:
    """Names, in the model's order, of what does not fit and need not."""
    fresh = {n for n in misfits if n in by_class or n.startswith(HEAD)}
    if any(n.startswith(GENERATORS) and n in theirs for n in fresh):
        fresh |= by_class  # of the head too, where 5 x 2 rows may pass for 10
    whole = whole_weights(fresh, own)
    return [name for name in own if name in whole]


def _with_average(own: dict, theirs: dict) -> tuple[dict, list[str]]:
    """The other state with an average of the generator if the model has one, without
    one if not, and a remark where that was not so."""
    wanted = any(name.startswith(AVERAGE) for name in own)
    found = any(name.startswith(AVERAGE) for name in theirs)
    if wanted and not found:
        copied = {
            AVERAGE + name.removeprefix('generator.'): value
            for name, value in theirs.items()
            if name.startswith('generator.')
        }
        return theirs | copied, [
            'without an average of the generator, which begins as a copy of it'
        ]
    if found and not wanted:
        kept = {n: v for n, v in theirs.items() if not n.startswith(AVERAGE)}
        return kept, [
            'with an average of the generator, which is left out without model.ema'
        ]
    return theirs, []


def _described(own: dict, theirs: dict, names: list[str]) -> list[str]:
    """Each weight once, by its largest entry: name, the shape there, the shape here."""
    largest: dict[str, str] = {}
    for name in names:
        before = largest.setdefault(_shown(name), name)
        if own[name].numel() > own[before].numel():
            largest[_shown(name)] = name
    return [
        f'{shown} ({_shape(theirs.get(name))} there, {_shape(own[name])} here)'
        for shown, name in largest.items()
    ]


def _begins_anew(name: str) -> bool:
    return name == '_extra_state' or name.startswith('techniques.')


def _weight(name: str) -> str:
    return OF_ONE_WEIGHT.sub(r'\1', name)


def _shown(name: str) -> str:
    return OF_ONE_WEIGHT.sub(r'\2', name)


def _shape(tensor: Tensor | None) -> str:
    return 'none' if tensor is None else ' x '.join(map(str, tensor.shape)) or 'scalar'
