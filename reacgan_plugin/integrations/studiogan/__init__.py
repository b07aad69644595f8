"""Networks, conditionings and weights by the names of PyTorch-StudioGAN's configs and
checkpoints.

``build_networks`` and ``build_conditioning`` read such a config, a mapping; converters
rename state dicts to our names, exporters back. ``tools/import_studiogan.py`` does all
of it for a YAML file and its checkpoints.
"""

from reacgan_plugin.integrations.studiogan.methods import build_conditioning
from reacgan_plugin.integrations.studiogan.names import (
    convert_discriminator_state,
    convert_generator_state,
    export_discriminator_state,
    export_generator_state,
)
from reacgan_plugin.integrations.studiogan.networks import build_networks

__all__ = [
    'build_conditioning',
    'build_networks',
    'convert_discriminator_state',
    'convert_generator_state',
    'export_discriminator_state',
    'export_generator_state',
]
