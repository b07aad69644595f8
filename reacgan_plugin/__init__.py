"""ReACGAN for GAN code that is there already: this door needs torch alone."""

from reacgan_plugin.backbones.tap import FeatureTap
from reacgan_plugin.conditioning import (
    AC,
    ADC,
    MD,
    MH,
    PD,
    SPD,
    TAC,
    ConditionalContrastiveLoss,
    Conditioning,
    D2DCELoss,
    DiscriminatorOutput,
    HypersphereHead,
    Info,
    Unconditional,
)
from reacgan_plugin.functional import conditional_contrastive, d2d_cross_entropy
from reacgan_plugin.gan.conditioned import Conditioned
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.layers import HypersphereProjection

__version__ = '0.1.0'

__all__ = [
    'AC',
    'ADC',
    'MD',
    'MH',
    'PD',
    'SPD',
    'TAC',
    'ConditionalContrastiveLoss',
    'Conditioned',
    'Conditioning',
    'D2DCELoss',
    'Discriminator',
    'DiscriminatorOutput',
    'FeatureTap',
    'HypersphereHead',
    'HypersphereProjection',
    'Info',
    'Unconditional',
    '__version__',
    'conditional_contrastive',
    'd2d_cross_entropy',
]
