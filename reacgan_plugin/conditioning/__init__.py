"""Conditionings: one method a file, its head and its loss side by side."""

from reacgan_plugin.conditioning.acgan import AC, ClassifierHead
from reacgan_plugin.conditioning.adc import ADC
from reacgan_plugin.conditioning.base import (
    AdversarialHead,
    Conditioning,
    DiscriminatorOutput,
)
from reacgan_plugin.conditioning.contragan import ConditionalContrastiveLoss
from reacgan_plugin.conditioning.infogan import Info
from reacgan_plugin.conditioning.multi_hinge import MH, MultiHingeHead
from reacgan_plugin.conditioning.one_logit_per_class import MD, OneLogitPerClassHead
from reacgan_plugin.conditioning.projection import PD, ProjectionHead
from reacgan_plugin.conditioning.reacgan import D2DCELoss, HypersphereHead
from reacgan_plugin.conditioning.stylegan_projection import SPD, MappedProjectionHead
from reacgan_plugin.conditioning.tac import TAC
from reacgan_plugin.conditioning.unconditional import Unconditional

__all__ = [
    'AC',
    'ADC',
    'MD',
    'MH',
    'PD',
    'SPD',
    'TAC',
    'AdversarialHead',
    'ClassifierHead',
    'ConditionalContrastiveLoss',
    'Conditioning',
    'D2DCELoss',
    'DiscriminatorOutput',
    'HypersphereHead',
    'Info',
    'MappedProjectionHead',
    'MultiHingeHead',
    'OneLogitPerClassHead',
    'ProjectionHead',
    'Unconditional',
]
