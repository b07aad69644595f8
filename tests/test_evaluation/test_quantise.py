import pytest
import torch

from reacgan_plugin.evaluation.quantise import as_rgb_bytes, to_uint8


@pytest.mark.parametrize('value, level', [
    (-7.0, 0), (-1.0, 0), (0.0, 128), (1.0, 255), (3.0, 255),
])  # fmt: skip
def test_constant_images_are_clipped_and_rounded(value, level):
    image = torch.full((2, 3, 4, 4), value)
    assert torch.equal(to_uint8(image), torch.full_like(image, level).byte())


def test_every_level_comes_back_from_where_it_was_brought():
    levels = torch.arange(256)
    assert torch.equal(to_uint8(levels / 127.5 - 1), levels.byte())


def test_values_between_two_levels_go_to_the_nearer_one():
    levels = torch.arange(255)
    below, above = ((levels + part) / 127.5 - 1 for part in (0.49, 0.51))
    assert torch.equal(to_uint8(below), levels.byte())
    assert torch.equal(to_uint8(above), (levels + 1).byte())


def test_half_precision_is_rounded_in_single():
    values = torch.linspace(-1, 1, 77, dtype=torch.bfloat16)
    assert torch.equal(to_uint8(values), to_uint8(values.float()))


def test_bytes_stay_and_grey_becomes_three_channels():
    image = torch.randint(256, (2, 3, 4, 4), dtype=torch.uint8)
    assert torch.equal(as_rgb_bytes(image), image)
    grey = as_rgb_bytes(image[:, :1])
    assert torch.equal(grey, image[:, :1].repeat(1, 3, 1, 1))
    assert torch.equal(as_rgb_bytes(torch.zeros(1, 4, 4)), torch.full((3, 4, 4), 128))
