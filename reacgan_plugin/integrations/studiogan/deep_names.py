"""Names of BigGAN-deep's entries in PyTorch-StudioGAN's state dicts, and ours.

(pattern, replacement) for :func:`re.sub`; the first pattern found in a name renames
it, and no two names become one, so that the lists can be followed backwards. They are
BigGAN's and what a bottleneck of four norms and convolutions has beyond them.
"""

from __future__ import annotations

from reacgan_plugin.integrations.studiogan.big_resnet_names import (
    BACKBONE_NAMES,
    GENERATOR_NAMES,
)

CONVOLUTIONS = (r'^blocks\.(\d+)\.0\.conv2d([34])\.', r'blocks.\1.conv\2.')
DEEP_GENERATOR_NAMES = [
    *GENERATOR_NAMES,
    CONVOLUTIONS,
    (r'^blocks\.(\d+)\.0\.bn([34])\.bn\.', r'blocks.\1.norm\2.norm.'),
    (r'^blocks\.(\d+)\.0\.bn([34])\.(gain|bias)\.', r'blocks.\1.norm\2.\3.'),
]
DEEP_BACKBONE_NAMES = [*BACKBONE_NAMES, CONVOLUTIONS, (r'^input_conv\.', 'input.')]
