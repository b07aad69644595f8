"""Conditionings and heads by their names in a config."""

from __future__ import annotations

from reacgan_plugin.conditioning.acgan import AC, ClassifierHead
from reacgan_plugin.conditioning.adc import ADC
from reacgan_plugin.conditioning.base import AdversarialHead
from reacgan_plugin.conditioning.contragan import ConditionalContrastiveLoss
from reacgan_plugin.conditioning.infogan import Info
from reacgan_plugin.conditioning.multi_hinge import MH, MultiHingeHead
from reacgan_plugin.conditioning.one_logit_per_class import MD, OneLogitPerClassHead
from reacgan_plugin.conditioning.projection import PD, ProjectionHead
from reacgan_plugin.conditioning.reacgan import D2DCELoss, HypersphereHead
from reacgan_plugin.conditioning.stylegan_projection import SPD, MappedProjectionHead
from reacgan_plugin.conditioning.tac import TAC
from reacgan_plugin.conditioning.unconditional import Unconditional

CONDITIONINGS = {
    'D2DCE': D2DCELoss,
    '2C': ConditionalContrastiveLoss,
    'AC': AC,
    'PD': PD,
    'SPD': SPD,
    'MH': MH,
    'MD': MD,
    'TAC': TAC,
    'ADC': ADC,
    'Info': Info,
    'Unconditional': Unconditional,
}
HEADS = {
    'HypersphereHead': HypersphereHead,
    'ClassifierHead': ClassifierHead,
    'ProjectionHead': ProjectionHead,
    'MappedProjectionHead': MappedProjectionHead,
    'MultiHingeHead': MultiHingeHead,
    'OneLogitPerClassHead': OneLogitPerClassHead,
    'AdversarialHead': AdversarialHead,
}
