"""Generators, and discriminators' backbones: image -> pooled features."""

from reacgan_plugin.backbones.biggan import BigGANDiscriminator, BigGANGenerator
from reacgan_plugin.backbones.biggan_deep import (
    BigGANDeepDiscriminator,
    BigGANDeepGenerator,
)
from reacgan_plugin.backbones.coded import CodedGenerator
from reacgan_plugin.backbones.module import ModuleDiscriminator
from reacgan_plugin.backbones.projected import ProjectedDiscriminator
from reacgan_plugin.backbones.resnet import ResNetDiscriminator, ResNetGenerator
from reacgan_plugin.backbones.stylegan2_discriminator import StyleGAN2Discriminator
from reacgan_plugin.backbones.stylegan2_generator import StyleGAN2Generator
from reacgan_plugin.backbones.timm_discriminator import TimmDiscriminator

__all__ = [
    'BigGANDeepDiscriminator',
    'BigGANDeepGenerator',
    'BigGANDiscriminator',
    'BigGANGenerator',
    'CodedGenerator',
    'ModuleDiscriminator',
    'ProjectedDiscriminator',
    'ResNetDiscriminator',
    'ResNetGenerator',
    'StyleGAN2Discriminator',
    'StyleGAN2Generator',
    'TimmDiscriminator',
]
