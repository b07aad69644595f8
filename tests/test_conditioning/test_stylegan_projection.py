import math

import torch
from tiny_methods import FEATURES, LABEL

from reacgan_plugin.backbones.stylegan2_layers import EqualisedLayers
from reacgan_plugin.conditioning import SPD, MappedProjectionHead


def test_the_logit_is_the_product_of_scores_and_mapped_class_over_a_root():
    head = MappedProjectionHead(FEATURES, 3, spectral_norm=False).double()
    head.adversarial.bias.data.normal_()
    features = torch.randn(4, FEATURES).double()
    logits = head(features, LABEL).logits
    for n, label in enumerate(LABEL):
        scores = [
            features[n] @ weight + bias
            for weight, bias in zip(
                head.adversarial.weight, head.adversarial.bias, strict=True
            )
        ]
        product = sum(
            score * entry
            for score, entry in zip(scores, head.class_map.weight[label], strict=True)
        )
        assert torch.isclose(logits[n], product / math.sqrt(FEATURES))


def test_a_class_that_is_mapped_to_zero_has_the_logit_zero():
    head = MappedProjectionHead(FEATURES, 3, spectral_norm=False)
    head.class_map.weight.data[1] = 0
    logits = head(torch.randn(4, FEATURES), LABEL).logits
    assert (logits == 0).tolist() == (LABEL == 1).tolist()


def test_the_kit_of_a_backbone_maps_classes_in_its_own_way():
    head = SPD().build_head(FEATURES, 3, layers=EqualisedLayers())
    label = torch.tensor([2, 2])
    mapped = head.class_map(label)
    assert mapped.shape == (2, FEATURES)
    assert torch.allclose(mapped[0], mapped[1])
    features = torch.randn(2, FEATURES)
    expected = (head.adversarial(features) * mapped).sum(1) / math.sqrt(FEATURES)
    assert torch.allclose(head(features, label).logits, expected)


def test_there_is_no_term_beside_the_adversarial_loss():
    loss = SPD()
    output = loss.build_head(FEATURES, 3)(torch.randn(4, FEATURES), LABEL)
    assert loss.discriminator(output, output) == {}
    assert loss.generator(output) == {}
    assert output.embedding is output.proxy is output.class_logits is None
