"""Width multipliers of BigGAN by image size (Brock et al. 2019, appendix B).

Each tuple lists channel multipliers of ``base_channels``: of the generator from the
4 x 4 start to the last block, of the discriminator after each block. As in the
published 32-pixel networks, the discriminator there stops halving at 8 x 8.
"""

from __future__ import annotations

GENERATOR_WIDTHS = {
    32: (4, 4, 4, 4),
    64: (16, 8, 4, 2, 1),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}
DISCRIMINATOR_WIDTHS = {
    32: (2, 2, 2, 2),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
    512: (1, 1, 2, 4, 8, 8, 16, 16),
}
DOWNSAMPLES = {32: 2, 64: 4, 128: 5, 256: 6, 512: 7}  # of the first blocks


def sizes_entry(table: dict, size: int):
    """The table's entry for an image size; ValueError listing the sizes otherwise."""
    if size not in table:
        raise ValueError(
            f'image size {size} is not prepared for BigGAN; '
            f'allowed: {", ".join(map(str, table))}'
        )
    return table[size]
