"""Generators, and discriminators' backbones: image -> pooled features."""

from reacgan_plugin.backbones.biggan import BigGANDiscriminator, BigGANGenerator

__all__ = ['BigGANDiscriminator', 'BigGANGenerator']
