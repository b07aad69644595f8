import pytest
import torch
from tiny_methods import CLASSES, FEATURES, LABEL, METHODS, built
from torch import nn
from torch.nn.utils import parametrize

from reacgan_plugin.backbones.stylegan2_layers import EqualisedLayers
from reacgan_plugin.conditioning import AC, PD, SPD, D2DCELoss
from reacgan_plugin.diagnostics import class_layer, class_vectors, gradient_norm
from reacgan_plugin.functional import class_cross_entropy

ROWS = {'MH': CLASSES + 1, **{n: 2 * CLASSES for n in METHODS if 'ADC' in n}}


@pytest.mark.parametrize('name', METHODS)
def test_every_method_has_a_row_a_class_but_the_unconditional_ones(name):
    vectors = class_vectors(built(name)[1].eval())
    if 'Unconditional' in name:
        assert vectors is None
        return
    rows = ROWS.get(name, ROWS['MH'] if 'MH' in name else CLASSES)
    width = 5 if 'D2DCE' in name or '2C' in name else FEATURES
    assert vectors.shape == (rows, width)


def test_vectors_are_those_that_samples_are_compared_with():
    features = torch.randn(4, FEATURES)
    for loss, kit in ((AC(), None), (AC(), EqualisedLayers())):
        head = loss.build_head(FEATURES, CLASSES, layers=kit).eval()
        logits = features @ class_vectors(head).T
        assert torch.allclose(head(features, LABEL).class_logits, logits, atol=1e-6)
    for loss, kit in ((D2DCELoss(embed_dim=5), EqualisedLayers()), (PD(), None)):
        head = loss.build_head(FEATURES, CLASSES, layers=kit).eval()
        assert torch.allclose(class_layer(head)(LABEL), class_vectors(head)[LABEL])


@pytest.mark.parametrize('kit', [None, EqualisedLayers()])
def test_the_classifiers_gradient_is_that_of_the_formula(kit):
    head = AC().build_head(FEATURES, CLASSES, layers=kit)
    features = torch.randn(4, FEATURES)
    with torch.no_grad():  # a weight that spectral norm has something to do with
        for parameter in head.classifier.parameters():
            parameter.mul_(3)
    with parametrize.cached():
        output = head(features, LABEL)
        loss = class_cross_entropy(output.class_logits, LABEL)
        found = gradient_norm(loss, class_layer(head))
    probability = output.class_logits.softmax(1)
    wanted = nn.functional.one_hot(LABEL, CLASSES) - probability
    formula = -(wanted.T @ features) / len(features)
    assert torch.allclose(found, formula.norm(), rtol=1e-5)


def test_the_gradient_of_a_mapped_class_is_that_for_all_of_the_mapping():
    head = SPD().build_head(FEATURES, CLASSES, layers=EqualisedLayers())
    loss = head(torch.randn(4, FEATURES), LABEL).logits.square().sum()
    found = gradient_norm(loss, class_layer(head))
    loss.backward()
    squares = [p.grad.square().sum() for p in head.class_map.parameters()]
    assert torch.allclose(found, sum(squares).sqrt())


def test_a_loss_that_does_not_see_the_classes_has_no_gradient_there():
    head = AC().build_head(FEATURES, CLASSES)
    loss = head(torch.randn(4, FEATURES), LABEL).logits.sum()
    assert gradient_norm(loss, class_layer(head)) == 0


def test_a_head_of_another_kind_has_no_classes_to_show():
    assert class_layer(nn.Linear(3, 3)) is None
    assert class_vectors(nn.Linear(3, 3)) is None
    ours = nn.Module()
    ours.proxies = nn.Embedding(3, 2)  # named as ours are
    assert class_vectors(ours).shape == (3, 2)
