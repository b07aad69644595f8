import pytest
import torch

from reacgan_plugin.layers import SelfAttention

CHANNELS = 16  # so that queries have two, whose scale would show


def attention(spectral_norm=True, weight=0.7):
    """A layer whose residual weight is no longer zero, in evaluation mode."""
    layer = SelfAttention(CHANNELS, spectral_norm=spectral_norm).eval()
    layer.weight.data.fill_(weight)
    return layer


def pooled(x):
    """Maximum of every two by two positions, (C, H, W) -> list of (C,)."""
    rows, columns = range(0, x.shape[1], 2), range(0, x.shape[2], 2)
    return [x[:, i : i + 2, j : j + 2].amax((1, 2)) for i in rows for j in columns]


def one_by_one(conv, x):
    """A 1 x 1 convolution of one image as a matrix, (C, H, W) -> (D, H, W)."""
    return torch.einsum('dc,chw->dhw', conv.weight[:, :, 0, 0], x)


def by_positions(layer, image):
    """The layer on one image (C, H, W), a softmax at each position."""
    query = one_by_one(layer.query, image)
    keys = pooled(one_by_one(layer.key, image))
    values = pooled(one_by_one(layer.value, image))
    attended = torch.zeros(len(values[0]), *image.shape[1:])
    for i in range(image.shape[1]):
        for j in range(image.shape[2]):
            scores = [torch.exp(query[:, i, j] @ key) for key in keys]
            for score, value in zip(scores, values, strict=True):
                attended[:, i, j] += score / sum(scores) * value
    return image + layer.weight * one_by_one(layer.out, attended)


def test_a_fresh_layer_is_the_identity():
    x = torch.randn(2, CHANNELS, 4, 4)
    assert torch.equal(SelfAttention(CHANNELS)(x), x)


@torch.no_grad()
@pytest.mark.parametrize('spectral_norm', [True, False])
@pytest.mark.parametrize('shape', [(4, 4), (2, 6)])
def test_equals_a_softmax_at_each_position(shape, spectral_norm):
    layer = attention(spectral_norm)
    x = 2 * torch.randn(2, CHANNELS, *shape)
    expected = torch.stack([by_positions(layer, image) for image in x])
    assert torch.allclose(layer(x), expected, atol=1e-5)
    assert not torch.allclose(layer(x), x, atol=0.1)


def test_memory_format_does_not_matter():
    layer = attention()
    x = torch.randn(2, CHANNELS, 4, 6)
    last = x.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(layer(last), layer(x), atol=1e-6)


def test_gradients_reach_every_weight():
    layer = attention()
    layer(torch.randn(2, CHANNELS, 4, 4)).square().sum().backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_queries_are_an_eighth_and_values_half_as_wide():
    layer = SelfAttention(32, spectral_norm=False)
    shapes = {name: tuple(p.shape) for name, p in layer.named_parameters()}
    assert shapes == {
        'weight': (1,),
        'query.weight': (4, 32, 1, 1),
        'key.weight': (4, 32, 1, 1),
        'value.weight': (16, 32, 1, 1),
        'out.weight': (32, 16, 1, 1),
    }
