"""Image sizes of the convolutional networks, and the widths that go with them.

A size is a side or a pair (height, width). The short side is one of the tables' and
picks the widths and the number of stages; the long side stretches every feature map.
All start at 4 on the short side, so both sides are multiples of the same power of two.

Each tuple lists channel multipliers of ``base_channels``: of the generator from the
start to the last block, of the discriminator after each block. 32 to 512 are the
published networks' (Brock et al. 2019, appendix B, has 128 to 512). Beyond them:
1024 has one more block of width 1 at the image, as 512 has over 256; 8 and 16 are the
networks for 32 with fewer doublings. The discriminator halves down to 4, but that for
32 stops at 8, as published.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

Size = int | Sequence[int]
Sides = tuple[int, int]

START_SIDE = 4
GENERATOR_WIDTHS = {
    8: (4, 4),
    16: (4, 4, 4),
    32: (4, 4, 4, 4),
    64: (16, 8, 4, 2, 1),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
    1024: (16, 16, 8, 8, 4, 2, 1, 1, 1),
}
DISCRIMINATOR_WIDTHS = {
    8: (2, 2, 2, 2),
    16: (2, 2, 2, 2),
    32: (2, 2, 2, 2),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
    512: (1, 1, 2, 4, 8, 8, 16, 16),
    1024: (1, 1, 1, 2, 4, 8, 8, 16, 16),
}
HALVINGS = {8: 1, 16: 2, 32: 2, 64: 4, 128: 5, 256: 6, 512: 7, 1024: 8}


def pair(size: Size) -> Sides:
    """(height, width) of a side or of a pair."""
    return (size, size) if isinstance(size, int) else tuple(size)


def as_size(sides: Sides) -> int | Sides:
    """One number for a square, the pair otherwise."""
    height, width = sides
    return height if height == width else sides


def prepared_sides(size: Size) -> Sides:
    """(height, width) of a size that networks can be built for.

    Raises: ValueError for what is neither a side nor a pair, for a short side that is
    not in the tables, and for a long side that does not halve as often as the short.
    """
    sides = _whole_sides(size)
    short, long = sorted(sides)
    if short not in GENERATOR_WIDTHS:
        raise ValueError(
            f'size={size} has the short side {short}; allowed: {_listed()}; '
            f'nearest: {_or(_neighbours(short))}'
        )
    unit = short // START_SIDE
    if long % unit:
        nearest = [long // unit * unit, (long // unit + 1) * unit]
        raise ValueError(
            f'size={size}: with a short side of {short}, the long side must be a '
            f'multiple of {unit}; nearest to {long}: {_or(nearest)}'
        )
    return sides


def check_image(image: Tensor, channels: int, sides: Sides) -> None:
    """ValueError unless the images are (N, channels, *sides)."""
    if image.shape[2:] != sides:
        raise ValueError(
            f'images have {tuple(image.shape[2:])} pixels, the discriminator was '
            f'built for {sides[0]} x {sides[1]}'
        )
    if image.shape[1] != channels:
        raise ValueError(
            f'images have {image.shape[1]} channel(s), the discriminator was built for '
            f'image_channels={channels}'
        )


def doubled_sides(sides: Sides) -> list[Sides]:
    """Sides of a generator's features: the start, then after each doubling."""
    height, width = sides
    unit = min(sides) // START_SIDE
    steps = [2**n for n in range(unit.bit_length())]
    return [(height // unit * step, width // unit * step) for step in steps]


def halved_sides(sides: Sides) -> list[Sides]:
    """Sides of a discriminator's features after each halving."""
    height, width = sides
    halvings = HALVINGS[min(sides)]
    return [(height // 2**n, width // 2**n) for n in range(1, halvings + 1)]


def _whole_sides(size: Size) -> Sides:
    is_pair = isinstance(size, list | tuple) and len(size) == 2
    sides = tuple(size) if is_pair else (size, size)
    if any(isinstance(side, bool) or not isinstance(side, int) for side in sides):
        raise ValueError(
            f'size={size!r} is neither a side nor a pair (height, width); allowed: '
            f'whole numbers, the shorter one of {_listed()}'
        )
    return sides


def _neighbours(short: int) -> list[int]:
    below = [side for side in GENERATOR_WIDTHS if side < short]
    above = [side for side in GENERATOR_WIDTHS if side > short]
    return below[-1:] + above[:1]


def _listed() -> str:
    return ', '.join(map(str, GENERATOR_WIDTHS))


def _or(numbers: list[int]) -> str:
    return ' or '.join(map(str, numbers))
