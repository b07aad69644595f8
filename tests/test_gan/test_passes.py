from copy import deepcopy

import pytest
import torch
from tiny_gan import CLASSES, batch, changed, gradients, plain_gan, state
from torch import nn

from reacgan_plugin.conditioning import AC, ADC, MH, TAC, D2DCELoss
from reacgan_plugin.gan.conditioned import Conditioned
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.gan.passes import joint, passes_of, separate
from reacgan_plugin.layers import spectral_normalised

HEADS = {
    'D2DCE': lambda: D2DCELoss(embed_dim=5),
    'ADC': lambda: ADC(AC()),
    'TAC': lambda: TAC(AC()),
    'MH': MH,
}


def rows(real=4, fake=4):
    data, other = batch(real), batch(fake, seed=1)
    return data['image'], data['label'], other['image'], other['label'].flip(0)


def assert_outputs_agree(found, expected):
    for name, value in expected._asdict().items():
        if isinstance(value, tuple):
            assert_outputs_agree(getattr(found, name), value)
        elif value is not None:
            torch.testing.assert_close(getattr(found, name), value)


@pytest.mark.parametrize('head', HEADS)
@pytest.mark.parametrize('fakes', [4, 3])
def test_one_pass_over_both_says_what_two_passes_say(head, fakes):
    model = plain_gan(HEADS[head]()).eval()  # singular vectors are settled
    given = rows(fake=fakes)
    pairs = [passes(model.discriminator, *given) for passes in (joint, separate)]
    for found, expected in zip(*pairs, strict=True):
        assert_outputs_agree(found, expected)


def test_gradients_of_one_pass_are_those_of_two():
    model = plain_gan(D2DCELoss(embed_dim=5)).eval()
    results = []
    for passes in (joint, separate):
        real, fake = passes(model.discriminator, *rows())
        terms = model.loss.discriminator(real, fake)
        loss = (fake.logits - real.logits).mean() + terms['loss_conditioning']
        model.discriminator.zero_grad()
        loss.backward()
        results.append(gradients(model.discriminator))
    torch.testing.assert_close(*results)


class Recorder(nn.Module):
    """A head that keeps how it was asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def forward(self, features, label, *, fake=False):
        self.asked.append((len(features), label, fake))
        return len(self.asked)


@pytest.mark.parametrize('passes', [joint, separate])
def test_the_head_hears_which_samples_are_fakes_and_their_labels(passes):
    head = Recorder()
    image, label, fake_image, fake_label = rows(fake=3)
    discriminator = Discriminator(nn.Flatten(), head)
    assert passes(discriminator, image, label, fake_image, fake_label) == (1, 2)
    (real_rows, real_label, real), (fake_rows, generated_label, fake) = head.asked
    assert (real_rows, real, fake_rows, fake) == (4, False, 3, True)
    assert torch.equal(real_label, label)
    assert torch.equal(generated_label, fake_label)


@pytest.mark.parametrize('passes, iterations', [(joint, 1), (separate, 2)])
def test_spectral_norm_iterates_once_a_pass(passes, iterations):
    model = plain_gan(AC()).train()
    spectral_normalised(model.discriminator.backbone.conv)
    expected = deepcopy(model.discriminator)
    for _ in range(iterations):
        expected(*rows()[:2])
    before = state(model.discriminator.backbone)
    passes(model.discriminator, *rows())
    assert len(changed(before, model.discriminator.backbone)) == 2
    torch.testing.assert_close(model.discriminator.state_dict(), expected.state_dict())


def test_names_lead_to_the_functions():
    discriminator = plain_gan().discriminator
    assert passes_of('joint', discriminator) is joint
    assert passes_of('separate', discriminator) is separate


def test_another_name_raises():
    message = "model.discriminator_passes='both' .*'separate', 'joint'"
    with pytest.raises(ValueError, match=message):
        passes_of('both', plain_gan().discriminator)


def test_a_discriminator_that_takes_one_batch_a_pass_raises_for_joint_passes_alone():
    own = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 1))
    conditioned = Conditioned(own, D2DCELoss(embed_dim=5), CLASSES, layer='1')
    assert passes_of('separate', conditioned) is separate
    with pytest.raises(ValueError, match="passes='joint', but Conditioned judges one"):
        passes_of('joint', conditioned)
