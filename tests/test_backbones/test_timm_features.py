import pytest
import timm
import torch
from torch import nn

from reacgan_plugin.backbones.timm_features import TimmFeatures
from reacgan_plugin.layers import evaluating

IMAGE = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def transformer(side=32):
    return dict(name='vit_tiny_patch16_224', options=dict(img_size=side, depth=2))


@pytest.mark.parametrize(
    'settings',
    [
        dict(name='resnet10t'),
        dict(name='tf_efficientnet_lite0'),
        dict(name='mobilenetv3_small_050'),  # with a layer behind its num_features
        dict(name='test_convnext'),
        transformer(),
    ],
    ids=lambda settings: settings['name'],
)
def test_features_are_those_that_the_classifier_would_see(settings):
    """R39: by no name of a layer inside."""
    features = TimmFeatures(**settings).eval()
    (found,) = features(IMAGE)
    assert found.shape == (2, *features.channels)
    assert found.std() > 0


@pytest.mark.parametrize(
    'settings, sides',
    [
        (dict(name='resnet10t', out_indices=(1, 3)), [8, 2]),
        (dict(name='tf_efficientnet_lite0', out_indices=(0, 2, 4)), [16, 4, 1]),
        (dict(**transformer(), out_indices=(0, 1)), [2, 2]),
        (
            dict(
                name='swin_tiny_patch4_window7_224',  # whose maps have channels last
                out_indices=(0, 1),
                options=dict(img_size=32, window_size=2, depths=(1, 1, 1, 1)),
            ),
            [8, 4],
        ),
    ],
    ids=lambda value: value['name'] if isinstance(value, dict) else '',
)
def test_maps_of_stages_have_channels_first(settings, sides):
    """R39: by timm's own interface of features."""
    features = TimmFeatures(**settings).eval()
    shapes = [tuple(x.shape) for x in features(IMAGE)]
    widths = zip(features.channels, sides, strict=True)
    assert shapes == [(2, channels, side, side) for channels, side in widths]


@pytest.mark.parametrize('name', ['resnet10t', 'tf_efficientnet_lite0'])
def test_images_are_brought_to_the_networks_mean_and_deviation(name):
    features = TimmFeatures(name=name)
    seen = []
    features.network.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    features(IMAGE)
    known = timm.data.resolve_model_data_config(timm.create_model(name))
    for channel in range(3):
        shown = (IMAGE[:, channel] + 1) / 2
        expected = (shown - known['mean'][channel]) / known['std'][channel]
        assert torch.allclose(seen[0][:, channel], expected, atol=1e-6)
    assert not {'gain', 'offset'} & set(features.state_dict())


def test_a_frozen_network_stays_as_it_is_and_passes_gradients_on():
    features = TimmFeatures(name='resnet10t', trained=False)
    before = {name: value.clone() for name, value in features.state_dict().items()}
    features.train()
    image = IMAGE.clone().requires_grad_()
    features(image)[0].square().sum().backward()
    assert torch.count_nonzero(image.grad)
    assert features.training
    assert not any(m.training for m in features.network.modules())
    assert not any(p.requires_grad for p in features.parameters())
    for name, value in features.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_a_frozen_network_gets_no_gradients_where_a_loop_asks_for_them():
    features = TimmFeatures(name='resnet10t', trained=False).requires_grad_(True)
    image = IMAGE.clone().requires_grad_()
    features(image)[0].square().sum().backward()
    assert torch.count_nonzero(image.grad)
    assert all(p.requires_grad and p.grad is None for p in features.parameters())


def test_a_frozen_network_stays_in_evaluation_inside_a_larger_one():
    whole = nn.Sequential(TimmFeatures(name='resnet10t', trained=False))
    with evaluating(whole.train()):
        assert not whole[0].training
    assert whole[0].training
    assert not whole[0].network.training


def test_a_trained_network_trains():
    features = TimmFeatures(name='resnet10t')
    features(IMAGE)[0].square().sum().backward()
    assert features.network.training
    assert all(p.grad is not None for p in features.parameters())


def test_images_are_resized_for_a_network_of_one_size():
    features = TimmFeatures(**transformer(64), resize=64)
    assert features(IMAGE)[0].shape == (2, 192)
    assert features(IMAGE.bfloat16())[0].isfinite().all()


@pytest.mark.parametrize('side', [16, (64, 48)])
def test_resizing_keeps_the_mean_and_does_not_alias(side):
    features = TimmFeatures(name='resnet10t', resize=side).eval()
    seen = []
    features.network.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    stripes = torch.ones(1, 3, 32, 32)
    stripes[..., ::2] = -1  # mean 0, which plain bilinear resizing may miss
    features(stripes)
    sides = (side, side) if isinstance(side, int) else side
    assert seen[0].shape[2:] == sides
    grey = (seen[0] - features.offset) / features.gain
    assert grey.mean().abs() < 0.03
    if side == 16:
        assert grey.abs().max() < 0.3


def test_images_of_a_size_that_the_network_refuses_raise():
    features = TimmFeatures(**transformer(64))
    with pytest.raises(
        ValueError,
        match=r'refuses images of \(32, 32\) pixels.*Set resize, or img_size',
    ):
        features(IMAGE)


def test_images_of_another_size_than_announced_raise():
    features = TimmFeatures(name='resnet10t', size=(32, 48))
    with pytest.raises(ValueError, match=r'have \(32, 32\) .*built for 32 x 48'):
        features(IMAGE)


def test_second_derivatives_exist_through_a_frozen_network():
    features = TimmFeatures(name='resnet10t', trained=False, resize=48)
    image = IMAGE.clone().requires_grad_()
    total = features(image)[0].square().sum()
    (gradient,) = torch.autograd.grad(total, image, create_graph=True)
    gradient.square().sum().backward()
    assert torch.count_nonzero(image.grad)
