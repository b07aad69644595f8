"""Penalties, augmentations and tricks that a training step takes up by name."""

from reacgan_plugin.techniques.ada import ADA
from reacgan_plugin.techniques.apa import APA
from reacgan_plugin.techniques.balanced_consistency import (
    BalancedConsistencyRegularisation,
)
from reacgan_plugin.techniques.consistency import ConsistencyRegularisation
from reacgan_plugin.techniques.diffaugment import DiffAugment
from reacgan_plugin.techniques.discriminator_average import DiscriminatorAverage
from reacgan_plugin.techniques.dragan import DRAGAN
from reacgan_plugin.techniques.freeze_d import FreezeD
from reacgan_plugin.techniques.gradient_penalty import GradientPenalty
from reacgan_plugin.techniques.latent_consistency import (
    LatentConsistencyRegularisation,
)
from reacgan_plugin.techniques.latent_optimisation import LatentOptimisation
from reacgan_plugin.techniques.lecam import LeCam
from reacgan_plugin.techniques.max_gradient_penalty import MaxGradientPenalty
from reacgan_plugin.techniques.orthogonal import Orthogonal
from reacgan_plugin.techniques.path_length import PathLength
from reacgan_plugin.techniques.r1 import R1
from reacgan_plugin.techniques.r2 import R2
from reacgan_plugin.techniques.top_k import TopK
from reacgan_plugin.techniques.zero_centred_embedding import ZeroCentredEmbedding

__all__ = [
    'ADA',
    'APA',
    'BalancedConsistencyRegularisation',
    'ConsistencyRegularisation',
    'DRAGAN',
    'DiffAugment',
    'DiscriminatorAverage',
    'FreezeD',
    'GradientPenalty',
    'LatentConsistencyRegularisation',
    'LatentOptimisation',
    'LeCam',
    'MaxGradientPenalty',
    'Orthogonal',
    'PathLength',
    'R1',
    'R2',
    'TopK',
    'ZeroCentredEmbedding',
]
