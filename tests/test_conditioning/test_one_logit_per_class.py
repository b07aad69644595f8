import torch
from tiny_methods import FEATURES, LABEL

from reacgan_plugin.conditioning import MD, OneLogitPerClassHead
from reacgan_plugin.functional import hinge_generator


def head():
    built = OneLogitPerClassHead(FEATURES, 3, spectral_norm=False).double()
    built.adversarial.bias.data.normal_()
    return built


def test_each_sample_gets_the_logit_of_its_own_class():
    built = head()
    features = torch.randn(4, FEATURES).double()
    logits = built(features, LABEL).logits
    weight, bias = built.adversarial.weight, built.adversarial.bias
    for n, label in enumerate(LABEL):
        assert torch.isclose(logits[n], features[n] @ weight[label] + bias[label])


def test_classes_that_are_not_in_the_batch_get_no_gradient():
    built = head()
    output = built(torch.randn(2, FEATURES).double(), torch.tensor([2, 0]))
    hinge_generator(output.logits).backward()
    of_rows = built.adversarial.weight.grad.abs().sum(1)
    assert of_rows[1] == 0
    assert of_rows[0] > 0 < of_rows[2]


def test_there_is_no_term_beside_the_adversarial_loss():
    loss = MD()
    output = loss.build_head(FEATURES, 3)(torch.randn(4, FEATURES), LABEL)
    assert loss.discriminator(output, output) == {}
    assert loss.generator(output) == {}
    assert output.embedding is output.proxy is output.class_logits is None


def test_the_head_has_one_row_a_class_and_nothing_else():
    built = MD(spectral_norm=False).build_head(FEATURES, 5)
    shapes = {name: tuple(p.shape) for name, p in built.named_parameters()}
    assert shapes == {'adversarial.weight': (5, FEATURES), 'adversarial.bias': (5,)}
