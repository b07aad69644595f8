"""Penalties, augmentations and tricks that a training step takes up by name."""

from reacgan_plugin.techniques.path_length import PathLength
from reacgan_plugin.techniques.r1 import R1

__all__ = ['R1', 'PathLength']
