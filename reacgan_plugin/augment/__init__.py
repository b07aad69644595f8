"""Augmentations of images that gradients pass through; torch alone.

What is drawn comes from torch's global generator on the images' device, a number a
sample, and nothing here reads a value on the device.
"""

from reacgan_plugin.augment.diffaugment import diff_augment
from reacgan_plugin.augment.pipeline import augment, multipliers_of
from reacgan_plugin.augment.strength import AdaptiveStrength

__all__ = ['AdaptiveStrength', 'augment', 'diff_augment', 'multipliers_of']
