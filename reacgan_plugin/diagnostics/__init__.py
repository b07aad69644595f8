"""What can be read off a GAN while it trains, beside its losses."""

from reacgan_plugin.diagnostics.classes import (
    class_layer,
    class_vectors,
    gradient_norm,
)
from reacgan_plugin.diagnostics.pairs import pair_diagnostics
from reacgan_plugin.diagnostics.report import diagnose
from reacgan_plugin.diagnostics.spectrum import largest_singular_value, spectral_norms

__all__ = [
    'class_layer',
    'class_vectors',
    'diagnose',
    'gradient_norm',
    'largest_singular_value',
    'pair_diagnostics',
    'spectral_norms',
]
