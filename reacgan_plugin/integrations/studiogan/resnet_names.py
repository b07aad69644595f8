"""Names of SNGAN's and SAGAN's entries in PyTorch-StudioGAN's state dicts, and ours.

(pattern, replacement) for :func:`re.sub`; the first pattern found in a name renames
it, and no two names become one, so that the lists can be followed backwards. They are
BigGAN's and, for a generator without labels, those of plain batch norms.
"""

from __future__ import annotations

from reacgan_plugin.integrations.studiogan.big_resnet_names import (
    BACKBONE_NAMES,
    GENERATOR_NAMES,
)

RESNET_GENERATOR_NAMES = [
    *GENERATOR_NAMES,
    (
        r'^blocks\.(\d+)\.0\.bn([12])\.'
        r'(weight|bias|running_mean|running_var|num_batches_tracked)$',
        r'blocks.\1.norm\2.\3',
    ),
]
RESNET_BACKBONE_NAMES = BACKBONE_NAMES
