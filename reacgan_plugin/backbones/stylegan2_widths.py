"""Widths of StyleGAN2's features (Karras et al. 2020, "ADA", appendix D)."""

from __future__ import annotations

from reacgan_plugin.backbones.sizes import Sides


def channels_at(sides: Sides, channel_base: int, channel_max: int) -> int:
    """min(channel_base / short side, channel_max), in whole channels.

    Raises: ValueError when there would be none.
    """
    channels = min(channel_base // min(sides), channel_max)
    if channels < 1:
        raise ValueError(
            f'channel_base={channel_base}, channel_max={channel_max} leave no channel '
            f'for features of {sides[0]} x {sides[1]}; allowed: a base of at least '
            f'{min(sides)}, a maximum of at least 1'
        )
    return channels
