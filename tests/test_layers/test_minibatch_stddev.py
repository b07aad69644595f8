import pytest
import torch

from reacgan_plugin.layers.minibatch_stddev import MinibatchStddev, largest_divisor


def by_hand(x, size, channels):
    """Rows n, n + G, n + 2 G, ... of G groups, one feature after another."""
    groups = len(x) // size
    values = torch.zeros(len(x), channels)
    for n in range(groups):
        members = x[n::groups]
        deviation = (members.var(0, correction=0) + 1e-8).sqrt()
        for f, share in enumerate(deviation.chunk(channels)):
            values[n::groups, f] = share.mean()
    return values


@pytest.mark.parametrize('channels', [1, 2, 6])
@pytest.mark.parametrize(
    'rows, group, size', [(8, 4, 4), (4, 4, 4), (6, 4, 3), (7, 4, 1), (2, 4, 2)]
)
def test_appends_the_mean_deviation_within_groups(rows, group, size, channels):
    x = torch.randn(rows, 6, 3, 5)
    y = MinibatchStddev(group=group, channels=channels)(x)
    assert torch.equal(y[:, :6], x)
    expected = by_hand(x, size, channels)[:, :, None, None]
    assert torch.allclose(y[:, 6:], expected.expand(-1, -1, 3, 5), atol=1e-6)


def test_equal_samples_have_no_deviation_and_a_finite_gradient():
    x = torch.ones(4, 2, 3, 3, requires_grad=True)
    y = MinibatchStddev()(x)
    assert y[:, 2].max().item() == pytest.approx(1e-4)
    y[:, 2].sum().backward()
    assert torch.equal(x.grad, torch.zeros_like(x))


def test_second_derivatives_exist():
    x = torch.randn(4, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(MinibatchStddev(group=2), x)


def test_deviations_are_taken_in_full_precision():
    x = (1000 + torch.randn(4, 2, 3, 3)).half()  # whose squares overflow
    y = MinibatchStddev()(x)
    assert y.dtype == torch.float16
    expected = x.float().std(0, correction=0).mean()
    assert y[0, 2, 0, 0].item() == pytest.approx(expected.item(), rel=1e-3)


@pytest.mark.parametrize('options', [dict(group=0), dict(channels=0)])
def test_less_than_one_raises(options):
    with pytest.raises(ValueError, match='=0 is out of range; allowed: above 0'):
        MinibatchStddev(**options)


@pytest.mark.parametrize(
    'number, most, expected', [(12, 4, 4), (6, 4, 3), (5, 4, 1), (3, 8, 3), (1, 1, 1)]
)
def test_the_largest_divisor_is_no_larger_than_asked(number, most, expected):
    assert largest_divisor(number, most) == expected
