"""Layers that generators, discriminators and heads are made of."""

from reacgan_plugin.layers.attention import SelfAttention
from reacgan_plugin.layers.conditional_norm import ConditionalBatchNorm2d, batch_norm
from reacgan_plugin.layers.equalised import EqualisedConv2d, EqualisedLinear
from reacgan_plugin.layers.hypersphere import HypersphereProjection
from reacgan_plugin.layers.kits import OrthogonalLayers
from reacgan_plugin.layers.modes import (
    evaluating,
    frozen,
    settled,
    singular_vectors,
    untracked_statistics,
)
from reacgan_plugin.layers.spectral_norm import spectral_normalised
from reacgan_plugin.layers.weights import conv2d, embedding, linear

__all__ = [
    'ConditionalBatchNorm2d',
    'EqualisedConv2d',
    'EqualisedLinear',
    'HypersphereProjection',
    'OrthogonalLayers',
    'SelfAttention',
    'batch_norm',
    'conv2d',
    'embedding',
    'evaluating',
    'frozen',
    'linear',
    'settled',
    'singular_vectors',
    'spectral_normalised',
    'untracked_statistics',
]
