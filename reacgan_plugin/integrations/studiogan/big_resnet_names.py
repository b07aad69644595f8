"""Names of BigGAN's entries in PyTorch-StudioGAN's state dicts, and ours.

(pattern, replacement) for :func:`re.sub`; the first pattern found in a name renames
it, and no two names become one, so that the lists can be followed backwards.
"""

from __future__ import annotations

ATTENTION_NAMES = [
    (r'^blocks\.(\d+)\.0\.conv1x1_theta\.', r'blocks.\1.query.'),
    (r'^blocks\.(\d+)\.0\.conv1x1_phi\.', r'blocks.\1.key.'),
    (r'^blocks\.(\d+)\.0\.conv1x1_g\.', r'blocks.\1.value.'),
    (r'^blocks\.(\d+)\.0\.conv1x1_attn\.', r'blocks.\1.out.'),
    (r'^blocks\.(\d+)\.0\.sigma$', r'blocks.\1.weight'),
]
CONVOLUTION_NAMES = [
    (r'^blocks\.(\d+)\.0\.conv2d0\.', r'blocks.\1.shortcut.'),
    (r'^blocks\.(\d+)\.0\.conv2d([12])\.', r'blocks.\1.conv\2.'),
]
GENERATOR_NAMES = [
    *ATTENTION_NAMES,
    *CONVOLUTION_NAMES,
    (r'^blocks\.(\d+)\.0\.bn([12])\.bn\.', r'blocks.\1.norm\2.norm.'),
    (r'^blocks\.(\d+)\.0\.bn([12])\.(gain|bias)\.', r'blocks.\1.norm\2.\3.'),
    (r'^linear0\.', 'input.'),
    (r'^bn4\.', 'norm.'),
    (r'^conv2d5\.', 'output.'),
    (r'^shared\.', 'class_embedding.'),
]
BACKBONE_NAMES = [
    *ATTENTION_NAMES,
    *CONVOLUTION_NAMES,
    (r'^blocks\.(\d+)\.0\.bn0\.', r'blocks.\1.shortcut_norm.'),
    # the first block has no norm before its first convolution
    (r'^blocks\.0\.0\.bn1\.', 'blocks.0.norm2.'),
    (r'^blocks\.(\d+)\.0\.bn([12])\.', r'blocks.\1.norm\2.'),
]
