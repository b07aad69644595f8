import torch

from reacgan_plugin.conditioning import AdversarialHead, Unconditional


def test_the_label_changes_nothing():
    head = Unconditional().build_head(6, 3).eval()
    features = torch.randn(4, 6)
    logits = [head(features, torch.full((4,), label)).logits for label in range(3)]
    assert torch.equal(logits[0], logits[1])
    assert torch.equal(logits[0], logits[2])


def test_there_is_no_term_beside_the_adversarial_loss():
    loss = Unconditional()
    output = loss.build_head(6, 3)(torch.randn(4, 6), torch.tensor([0, 1, 2, 1]))
    assert loss.discriminator(output, output) == {}
    assert loss.generator(output) == {}


def test_the_head_has_the_adversarial_map_alone():
    head = Unconditional(spectral_norm=False).build_head(6, 3)
    assert type(head) is AdversarialHead
    shapes = {name: tuple(p.shape) for name, p in head.named_parameters()}
    assert shapes == {'adversarial.weight': (1, 6), 'adversarial.bias': (1,)}
