"""The key ``loss`` of a stock model class: with it, a subclass is built instead."""

from __future__ import annotations

import functools
import logging

from mmengine.logging import print_log

ABSENT = object()
BUG = (
    'mmagic hands real labels over as (N, 1), so that the projection of its BigGAN and '
    'SAGAN discriminators is broadcast over the batch and real logits have a wrong '
    'shape'
)


def accept_loss(stock: type, conditioned: type, *, has_bug: bool = False) -> None:
    """Let ``stock(..., loss=dict(type='D2DCE'))`` build a conditioned model.

    The class itself is only told to make an instance of a subclass where ``loss`` is
    given, so that ``type='BigGAN'`` and ``type=BigGAN`` in a config do the same, that
    users' own subclasses can be switched too, and that nothing else changes.

    Args:
        stock: mmagic's model class, or a subclass of it.
        conditioned: what goes before it in the subclass's bases.
        has_bug: whether its real labels have the wrong shape, of which one warning
            tells.
    """

    def __new__(cls, *args, loss=ABSENT, **settings):
        if loss is None:
            raise ValueError(
                f'model.loss=None: leave the key out for the stock {cls.__name__}, or '
                "name a conditioning, dict(type='D2DCE')"
            )
        if loss is ABSENT:
            if has_bug and settings:  # a copy is made without any
                _warn_once(f'{BUG}; without model.loss {cls.__name__} keeps that')
            return object.__new__(cls)
        if has_bug:
            _warn_once(f'{BUG}; with model.loss they are (N,), for PD too')
        return object.__new__(_conditioned(cls, conditioned, stock))

    stock.__new__ = __new__


@functools.cache
def _conditioned(kind: type, conditioned: type, stock: type) -> type:
    if issubclass(kind, conditioned):
        return kind
    known = dict(users_class=kind, stock_class=stock)
    return type(f'Conditioned{kind.__name__}', (conditioned, kind), known)


@functools.cache
def _warn_once(message: str) -> None:
    print_log(message, logger='current', level=logging.WARNING)
