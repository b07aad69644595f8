"""Names of StyleGAN2's entries in PyTorch-StudioGAN's state dicts, and ours.

(pattern, replacement) for :func:`re.sub`; the first pattern found in a name renames
it, and no two names become one, so that the lists can be followed backwards.
"""

from __future__ import annotations

STYLEGAN2_GENERATOR_NAMES = [
    (r'^mapping\.fc(\d+)\.', r'mapping.layers.\1.'),
    (r'^mapping\.(embed\.|w_avg$)', r'mapping.\1'),
    (r'^synthesis\.b(\d+)\.', r'synthesis.blocks.\1.'),
]
STYLEGAN2_BACKBONE_NAMES = [
    (r'^b4\.', 'epilogue.'),
    (r'^b(\d+)\.', r'stages.\1.'),
]
