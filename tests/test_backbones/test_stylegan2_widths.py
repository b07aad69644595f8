import pytest

from reacgan_plugin.backbones.stylegan2_widths import channels_at


@pytest.mark.parametrize(
    'sides, expected',
    [((4, 4), 512), ((64, 64), 512), ((128, 128), 256), ((128, 512), 256)],
)
def test_channels_follow_the_short_side_up_to_the_maximum(sides, expected):
    assert channels_at(sides, 32768, 512) == expected


@pytest.mark.parametrize('base, most', [(15, 4), (64, 0)])
def test_no_channel_at_all_raises_and_says_what_would_leave_some(base, most):
    with pytest.raises(ValueError, match='16 x 32; allowed: a base of at least 16'):
        channels_at((16, 32), base, most)
