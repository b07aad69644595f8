import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from reacgan_plugin.backbones import ProjectedDiscriminator
from reacgan_plugin.layers import settled

IMAGE = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1


def backbone(**settings):
    small = dict(name='test_resnet', weights=None, out_indices=(0, 2, 3), channels=4)
    return ProjectedDiscriminator(**{**small, **settings})


@pytest.mark.parametrize('mixing', [None, 'channels', 'scales'])
def test_each_scale_has_channels_of_its_own_in_the_features(mixing):
    built = backbone(mixing=mixing).eval()
    maps = built.features(IMAGE)
    if mixing is not None:
        maps = built.mixing(maps)
        assert (len(built.mixing.descend) > 0) == (mixing == 'scales')
    found = built(IMAGE)
    assert found.shape == (2, built.out_channels) == (2, 12)
    for n, x in enumerate(maps):
        expected = built.judges[n](x).mean((2, 3))
        assert torch.allclose(found[:, 4 * n : 4 * n + 4], expected, atol=1e-6)


def test_only_the_judges_learn_and_all_of_them_do():
    built = backbone()
    built(IMAGE).square().sum().backward()
    learning = {name for name, p in built.named_parameters() if p.requires_grad}
    assert learning == {f'judges.{name}' for name, _ in built.judges.named_parameters()}
    for parameter in built.judges.parameters():
        assert torch.count_nonzero(parameter.grad)


def test_what_is_fixed_stays_so_where_a_loop_asks_for_every_gradient():
    built = backbone().requires_grad_(True)
    fixed = [*built.features.parameters(), *built.mixing.parameters()]
    built(IMAGE).square().sum().backward()
    assert all(p.requires_grad and p.grad is None for p in fixed)
    assert all(torch.count_nonzero(p.grad) for p in built.judges.parameters())


def test_features_depend_on_their_own_image_alone_in_training_mode_too():
    built = backbone().train()
    with settled(built):  # else each pass has other singular vectors
        together, alone = built(IMAGE), built(IMAGE[:1])
    assert torch.allclose(together[:1], alone, atol=1e-5)


def test_judges_are_spectrally_normalised():
    layers = [m for m in backbone().judges.modules() if isinstance(m, nn.Conv2d)]
    assert len(layers) == 6
    assert all(parametrize.is_parametrized(layer) for layer in layers)


def test_gradients_reach_the_image_through_every_scale():
    built = backbone(mixing=None)
    for n in range(3):
        image = IMAGE.clone().requires_grad_()
        built(image)[:, 4 * n : 4 * n + 4].sum().backward()
        assert torch.count_nonzero(image.grad)


def test_a_state_dict_gives_the_same_features_whatever_the_random_weights():
    ours, theirs = backbone().eval(), backbone().eval()
    assert not torch.allclose(ours(IMAGE), theirs(IMAGE))
    theirs.load_state_dict(ours.state_dict())
    assert torch.equal(ours(IMAGE), theirs(IMAGE))


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(mixing='scale'), "mixing='scale' is not known.*did you mean 'scales'"),
        (dict(channels=0), 'channels=0 is out of range'),
        (dict(out_indices=None), 'out_indices=None; allowed: .* ascending'),
        (dict(out_indices=(3, 2, 1)), r'out_indices=\(3, 2, 1\); allowed'),
    ],
)
def test_bad_options_raise(settings, message):
    with pytest.raises(ValueError, match=message):
        backbone(**settings)
