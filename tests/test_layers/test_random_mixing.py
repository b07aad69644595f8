import pytest
import torch
from torch.nn import functional as F

from reacgan_plugin.layers.random_mixing import RandomMixing

CHANNELS = (3, 5, 4)


def features(dtype=torch.float32):
    sides = ((8, 12), (4, 6), (2, 3))
    return [
        torch.randn(2, c, *side, dtype=dtype)
        for c, side in zip(CHANNELS, sides, strict=True)
    ]


def test_scales_are_mixed_from_the_coarsest_up():
    mixing = RandomMixing(CHANNELS, width=2)
    given = features()
    mixed = mixing(given)
    expected = F.conv2d(given[2], mixing.project[2].weight)
    assert torch.allclose(mixed[2], expected, atol=1e-6)
    for n in (1, 0):
        lower = F.conv2d(expected, mixing.descend[n].weight, padding=1)
        lower = F.interpolate(lower, scale_factor=2, mode='bilinear')
        expected = F.conv2d(given[n], mixing.project[n].weight) + lower
        assert torch.allclose(mixed[n], expected, atol=1e-5)


def test_the_finest_mixture_knows_of_all_scales_and_the_coarsest_of_its_own_alone():
    mixing = RandomMixing(CHANNELS, width=2)
    given = [x.requires_grad_() for x in features()]
    mixed = mixing(given)
    reached = torch.autograd.grad(mixed[0].square().sum(), given, retain_graph=True)
    assert all(torch.count_nonzero(gradient) for gradient in reached)
    reached = torch.autograd.grad(mixed[2].sum(), given, allow_unused=True)
    assert [gradient is None for gradient in reached] == [True, True, False]


def test_channels_alone_leave_scales_apart():
    mixing = RandomMixing(CHANNELS, width=2, scales=False)
    assert len(mixing.descend) == 0
    given = features()
    for x, y, project in zip(given, mixing(given), mixing.project, strict=True):
        assert torch.allclose(y, F.conv2d(x, project.weight), atol=1e-6)


def test_widths_double_from_scale_to_scale():
    mixing = RandomMixing(CHANNELS, width=6)
    assert mixing.out_channels == [6, 12, 24]
    assert [x.shape[1] for x in mixing(features())] == [6, 12, 24]


@pytest.mark.parametrize('sides', [((7, 9), (4, 5), (2, 3)), ((4, 4),) * 3])
def test_scales_need_not_be_halves_of_each_other(sides):
    given = [torch.randn(1, c, *s) for c, s in zip(CHANNELS, sides, strict=True)]
    mixed = RandomMixing(CHANNELS, width=2)(given)
    assert [x.shape[2:] for x in mixed] == [x.shape[2:] for x in given]


def test_weights_are_fixed_and_kept_in_checkpoints():
    mixing = RandomMixing(CHANNELS, width=2)
    assert not any(p.requires_grad for p in mixing.parameters())
    assert not list(mixing.buffers())
    assert set(mixing.state_dict()) == {
        *(f'project.{n}.weight' for n in range(3)),
        *(f'descend.{n}.weight' for n in range(2)),
    }


def test_weights_get_no_gradients_where_a_loop_asks_for_them():
    mixing = RandomMixing(CHANNELS, width=2).requires_grad_(True)
    given = [x.requires_grad_() for x in features()]
    sum(x.square().sum() for x in mixing(given)).backward()
    assert all(torch.count_nonzero(x.grad) for x in given)
    assert all(p.requires_grad and p.grad is None for p in mixing.parameters())


def test_mixed_channels_keep_the_variance_of_unit_features():
    x = torch.randn(4, 256, 8, 8)
    (mixed,) = RandomMixing([256], width=512)([x])
    assert mixed.std().item() == pytest.approx(1, abs=0.1)


def test_a_width_below_one_raises():
    with pytest.raises(ValueError, match='width=0 is out of range'):
        RandomMixing(CHANNELS, width=0)
