import math

import pytest
import torch
from torch.nn import functional as F

from reacgan_plugin.backbones.stylegan2_mapping import ClassMapping, MappingNetwork
from reacgan_plugin.layers import untracked_statistics

LABEL = torch.tensor([0, 2, 1])


def mapping(**options):
    sizes = dict(z_dim=5, num_classes=3, w_dim=4, layers=2)
    return MappingNetwork(**{**sizes, **options})


def normalised(x):
    return x / x.square().mean(1, keepdim=True).sqrt()


def embedded(embed, label):
    """The class as one-hot rows through an equalised linear map."""
    return F.linear(
        F.one_hot(label, 3).float(), embed.weight / math.sqrt(3), embed.bias
    )


def test_z_and_the_one_hot_class_are_normalised_and_joined():
    built = mapping()
    built.embed.bias.data.normal_()
    z = torch.randn(3, 5)
    joined = [normalised(z), normalised(embedded(built.embed, LABEL))]
    expected = built.layers(torch.cat(joined, dim=1))
    assert torch.allclose(built(z, LABEL), expected, atol=1e-6)


def test_without_classes_w_comes_from_z_alone_and_no_label_is_asked_for():
    built = mapping(num_classes=None)
    z = torch.randn(3, 5)
    assert torch.allclose(built(z), built.layers(normalised(z)), atol=1e-6)
    assert 'embed.weight' not in built.state_dict()


def test_a_class_mapping_takes_labels_alone():
    built = ClassMapping(3, 4, layers=2)
    built.embed.bias.data.normal_()
    expected = built.layers(normalised(embedded(built.embed, LABEL)))
    assert torch.allclose(built(LABEL), expected, atol=1e-6)
    assert [key for key in built.state_dict() if 'weight' in key] == [
        'embed.weight',
        'layers.0.weight',
        'layers.1.weight',
    ]


def test_layers_learn_at_a_hundredth_of_the_rate():
    for layer in mapping().layers:
        gain = 0.01 * math.sqrt(2) / math.sqrt(layer.in_features)
        assert layer.weight_gain == pytest.approx(gain)


def test_z_of_any_length_gives_the_same_w():
    built = mapping()
    z = torch.randn(3, 5)
    assert torch.allclose(built(z, LABEL), built(10 * z, LABEL), atol=1e-5)


def test_the_average_follows_w_in_training_mode_only():
    built = mapping()
    built.w_avg.fill_(2.0)
    z = torch.randn(3, 5)
    w = built(z, LABEL)
    expected = 0.995 * 2 + 0.005 * w.mean(0)
    assert torch.allclose(built.w_avg, expected)
    assert not built.w_avg.requires_grad
    with untracked_statistics(built):
        built(z, LABEL)
    built.eval()(z, LABEL)
    assert torch.allclose(built.w_avg, expected)


@pytest.mark.parametrize('truncation', [0.0, 0.7, 1.0, -1.0])
def test_truncation_moves_w_along_the_line_to_the_average(truncation):
    built = mapping().eval()
    built.w_avg.normal_()
    z = torch.randn(3, 5)
    w = built(z, LABEL)
    expected = built.w_avg + truncation * (w - built.w_avg)
    assert torch.allclose(built(z, LABEL, truncation=truncation), expected, atol=1e-6)


def test_autocast_does_not_reach_the_mapping():
    built, classes = mapping().eval(), ClassMapping(3, 4)
    z = torch.randn(3, 5)
    w, of_class = built(z, LABEL), classes(LABEL)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(built(z, LABEL), w)
        assert torch.equal(classes(LABEL), of_class)


@pytest.mark.parametrize(
    'z, label, message',
    [
        (torch.randn(3, 6), LABEL, r'z has shape \(3, 6\); allowed: \(N, 5\)'),
        (torch.randn(3, 5), None, 'needs labels'),
        (torch.randn(3, 5), LABEL[:2], '2 entries for 3 samples'),
        (torch.randn(3, 5), LABEL + 1, r'class 3; allowed: 0\.\.2'),
        (torch.randn(3, 5), LABEL.float(), 'float32; allowed: integers'),
    ],
)
def test_inputs_that_do_not_fit_raise(z, label, message):
    with pytest.raises(ValueError, match=message):
        mapping()(z, label)


@pytest.mark.parametrize(
    'label, message',
    [
        (F.one_hot(LABEL, 3), r'\(3, 3\); allowed: \(3,\)'),
        (LABEL + 1, r'class 3; allowed: 0\.\.2'),
    ],
)
def test_labels_that_a_class_mapping_does_not_know_raise(label, message):
    with pytest.raises(ValueError, match=message):
        ClassMapping(3, 4)(label)


def test_gradients_reach_every_weight():
    for network, inputs in (
        (mapping(), (torch.randn(3, 5), LABEL)),
        (ClassMapping(3, 4), (LABEL,)),
    ):
        network(*inputs).square().sum().backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad.abs().max() > 0, name


def test_gradients_of_classes_that_are_not_there_are_zero():
    built = ClassMapping(3, 4)
    built(torch.tensor([1, 1])).sum().backward()
    used = built.embed.weight.grad.abs().sum(0) > 0
    assert used.tolist() == [False, True, False]


@pytest.mark.parametrize('layers', [1, 8])
def test_there_are_as_many_layers_as_asked_for(layers):
    assert len(mapping(layers=layers).layers) == layers
    assert len(ClassMapping(3, 4, layers=layers).layers) == layers
