import pytest
import torch
from distributions import assert_distributed, assert_each_as_often, half_normal

from reacgan_plugin.augment.pipeline import (
    NAMES,
    POLICIES,
    STAGES,
    augment,
    multipliers_of,
)

SIDES = [(32, 32), (33, 20), (64, 48), (128, 128)]


def augmented(x, policy, strength=1.0, seed=0):
    torch.manual_seed(seed)
    return augment(x, torch.tensor(strength), multipliers_of(policy))


def images(rows=4, height=16, width=16):
    return torch.rand(rows, 3, height, width) * 2 - 1


def test_published_sets_contain_one_another():
    sizes = [len(names) for names in POLICIES.values()]
    assert list(POLICIES) == ['b', 'bg', 'bgc', 'bgcf', 'bgcfn', 'bgcfnc']
    assert sizes == [3, 7, 12, 13, 14, 15]
    assert POLICIES['bgcfnc'] == NAMES
    assert sum((names for names, _ in STAGES), ()) == NAMES
    for policy in POLICIES:
        assert multipliers_of(policy) == dict.fromkeys(POLICIES[policy], 1.0)


@pytest.mark.parametrize('height, width', SIDES)
@pytest.mark.parametrize('policy', POLICIES)
def test_without_strength_images_stay(policy, height, width):
    x = images(2, height, width)
    assert torch.allclose(augmented(x, policy, 0.0), x, atol=1e-4)


def test_without_strength_large_images_stay():
    x = images(1, 512, 512)
    assert torch.allclose(augmented(x, 'bgcfnc', 0.0), x, atol=5e-4)


@pytest.mark.parametrize('height, width', SIDES)
@pytest.mark.parametrize('policy', POLICIES)
def test_with_full_strength_images_change_and_keep_their_shape(policy, height, width):
    x = images(2, height, width)
    y = augmented(x, policy)
    assert y.shape == x.shape
    assert y.isfinite().all()
    assert (y - x).abs().mean() > 0.05


def test_grey_images_stay_grey_where_colours_are_not_turned():
    x = images()[:, :1].expand(-1, 3, -1, -1)
    y = augmented(x, 'bgcf')
    assert torch.allclose(y, y[:, :1].expand_as(y), atol=1e-4)


@pytest.mark.parametrize('name', NAMES)
def test_each_transformation_can_be_had_alone(name):
    x = images(64)
    y = augmented(x, {name: 1})
    share = (y - x).flatten(1).abs().amax(1).gt(1e-4).float().mean()
    # half of all flips and a quarter of all turns are none
    expected = {'x_flip': 0.5, 'luma_flip': 0.5, 'rotate_90': 0.75}.get(name, 1)
    assert abs(share - expected) < 0.2


def test_pixel_blitting_alone_copies_pixels():
    x = images(32)
    y = augmented(x, 'b')
    values = x.flatten(1).sort(1).values
    nearest = torch.searchsorted(values, y.flatten(1)).clamp(1, values.shape[1] - 1)
    below, above = values.gather(1, nearest - 1), values.gather(1, nearest)
    distance = torch.minimum((y.flatten(1) - below).abs(), (above - y.flatten(1)).abs())
    assert distance.max() < 1e-4
    assert (y - x).abs().mean() > 0.1


def test_a_multiplier_scales_the_probability():
    x = torch.ones(4000, 3, 4, 4)
    for factor, strength, expected in ((0.5, 0.8, 0.4), (3, 0.2, 0.6), (3, 0.9, 1)):
        y = augmented(x, dict(noise=factor), strength)
        changed = (y != x).flatten(1).any(1).float().mean()
        assert abs(changed - expected) < 0.03


def test_noise_is_normal_with_a_half_normal_deviation():
    y = augmented(torch.zeros(4000, 3, 16, 16), dict(noise=1))
    assert_distributed(y.flatten(1).std(1), half_normal(0.1))
    assert abs(y.mean()) < 1e-3


@pytest.mark.parametrize('height, width', [(16, 16), (12, 20)])
def test_cutout_takes_half_of_each_side_around_any_centre(height, width):
    y = augmented(torch.ones(4000, 3, height, width), dict(cutout=1))
    cut = y[:, 0] == 0
    for side, lines in ((height, cut.any(2)), (width, cut.any(1))):
        first = lines.float().argmax(1)
        count = lines.sum(1)
        inner = (first > 0) & (first + count < side)
        assert (count[inner] == side // 2).all()
        assert_each_as_often(first[inner].float(), list(range(1, side // 2)))
        assert (count >= side // 4).all()


def test_samples_are_augmented_in_their_own_ways_and_one_alone_too():
    x = images(1).expand(6, -1, -1, -1)
    y = augmented(x, 'bgcfnc')
    for n in range(5):
        assert not torch.equal(y[n], y[n + 1])
    assert augmented(x[:1], 'bgcfnc').shape == (1, 3, 16, 16)


def test_what_is_drawn_is_a_function_of_torchs_seed():
    x = images()
    first, again, other = (augmented(x, 'bgcfnc', seed=s) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize('policy', ['b', 'bgcfnc'])
def test_the_pipeline_agrees_with_finite_differences_twice(policy):
    x = torch.rand(2, 3, 3, 4, dtype=torch.float64, requires_grad=True)
    fast = dict(fast_mode=True)
    assert torch.autograd.gradcheck(lambda x: augmented(x, policy), x, **fast)
    assert torch.autograd.gradgradcheck(
        lambda x: augmented(x, policy).square(), x, **fast
    )


def test_autocast_and_half_precision_give_float32():
    x = images()
    expected = augmented(x, 'bgcfnc')
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(augmented(x, 'bgcfnc'), expected)
        assert augmented(x.bfloat16(), 'bgcfnc').dtype == torch.float32


def test_memory_format_does_not_matter():
    x = images()
    last = x.contiguous(memory_format=torch.channels_last)
    # less the noise, which is drawn in the order of memory
    found, expected = (augmented(i, 'bgcf') for i in (last, x))
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    'policy, message',
    [
        ('bgcc', "policy='bgcc' is not known.*did you mean 'bgc'"),
        (dict(hues=1), "policy='hues' is not known.*did you mean 'hue'"),
        (dict(hue=0), 'policy.hue=0 is out of range'),
        (dict(hue='1'), "policy.hue='1' is no number"),
        ({}, 'policy is empty; allowed: x_flip'),
    ],
)
def test_another_policy_raises(policy, message):
    with pytest.raises(ValueError, match=message):
        multipliers_of(policy)


@pytest.mark.parametrize('policy', POLICIES)
def test_images_of_one_channel_are_augmented_and_stay_of_one(policy):
    x = images()[:, :1]
    y = augmented(x, policy)
    assert y.shape == x.shape
    assert y.isfinite().all() and (y - x).abs().mean() > 0.05
    assert torch.allclose(augmented(x, policy, 0.0), x, atol=1e-4)


@pytest.mark.parametrize('policy', ['b', 'bg', 'bgc', 'bgcf'])  # noise is by channel
def test_one_channel_is_augmented_as_three_equal_ones(policy):
    x = images()[:, :1]
    of_three = augmented(x.expand(-1, 3, -1, -1), policy)
    assert torch.allclose(augmented(x, policy), of_three[:, :1], atol=1e-4)
