import torch

from reacgan_plugin.conditioning import PD, ProjectionHead

LABEL = torch.tensor([0, 1, 2, 1])


def test_the_logit_adds_the_product_with_the_class_embedding():
    head = ProjectionHead(6, 3, spectral_norm=False)
    head.adversarial.bias.data.fill_(0.3)
    features = torch.randn(4, 6)
    logits = head(features, LABEL).logits
    for n, label in enumerate(LABEL):
        alignment = features[n] @ head.embedding.weight[label]
        expected = features[n] @ head.adversarial.weight[0] + 0.3 + alignment
        assert torch.isclose(logits[n], expected, atol=1e-6)


def test_an_embedding_of_zero_leaves_the_adversarial_logit():
    head = ProjectionHead(6, 3, spectral_norm=False)
    head.embedding.weight.data.zero_()
    features = torch.randn(4, 6)
    expected = head.adversarial(features).squeeze(1)
    assert torch.equal(head(features, LABEL).logits, expected)


def test_there_is_no_term_beside_the_adversarial_loss():
    loss = PD()
    output = loss.build_head(6, 3)(torch.randn(4, 6), LABEL)
    assert loss.discriminator(output, output) == {}
    assert loss.generator(output) == {}
    assert output.embedding is output.proxy is output.class_logits is None


def test_classes_embed_in_the_features_width():
    head = PD(spectral_norm=False).build_head(6, 3)
    assert type(head) is ProjectionHead
    assert head.embedding.weight.shape == (3, 6)
