"""Conditionings: one method a file, its head and its loss side by side."""

from reacgan_plugin.conditioning.acgan import AC, ClassifierHead
from reacgan_plugin.conditioning.base import (
    AdversarialHead,
    Conditioning,
    DiscriminatorOutput,
)
from reacgan_plugin.conditioning.contragan import ConditionalContrastiveLoss
from reacgan_plugin.conditioning.projection import PD, ProjectionHead
from reacgan_plugin.conditioning.reacgan import D2DCELoss, HypersphereHead
from reacgan_plugin.conditioning.unconditional import Unconditional

__all__ = [
    'AC',
    'PD',
    'AdversarialHead',
    'ClassifierHead',
    'ConditionalContrastiveLoss',
    'Conditioning',
    'D2DCELoss',
    'DiscriminatorOutput',
    'HypersphereHead',
    'ProjectionHead',
    'Unconditional',
]
