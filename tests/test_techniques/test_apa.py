import pytest
import torch
from judging import judged_by_discriminator, judged_for_generator
from tiny_gan import batch, latents, optimizers, plain_gan

from reacgan_plugin.conditioning import PD
from reacgan_plugin.gan.technique import Shown
from reacgan_plugin.techniques import R1
from reacgan_plugin.techniques.apa import APA


def pair(rows=2000, network='discriminator'):
    """Reals of ones under 1 and fakes of twos under 2."""
    ones = torch.ones(rows, 3, 2, 2)
    label = torch.ones(rows, dtype=torch.long)
    fake = (2 * ones).requires_grad_()
    return Shown(network, fake, 2 * label, ones.requires_grad_(), label)


@pytest.mark.parametrize('strength', [0.0, 0.3, 1.0])
def test_a_real_is_a_fake_under_its_label_with_the_strength(strength):
    given = pair()
    shown = APA(strength=strength).images(given, None)
    pseudo = shown.real[:, 0, 0, 0] == 2
    assert torch.equal(
        shown.real,
        torch.where(pseudo, 2.0, 1.0).view(-1, 1, 1, 1).expand_as(shown.real),
    )
    assert torch.equal(shown.label, 1 + pseudo.long())
    assert abs(pseudo.float().mean() - strength) < 0.04
    assert shown.fake is given.fake
    assert shown.fake_label is given.fake_label


def test_a_pseudo_real_is_the_fake_of_its_own_row():
    given = pair(8)
    given = given._replace(fake=torch.randn(8, 3, 2, 2), fake_label=torch.arange(8))
    shown = APA(strength=1.0).images(given, None)
    assert torch.equal(shown.real, given.fake)
    assert torch.equal(shown.label, torch.arange(8))


def test_images_have_gradients_of_their_own_and_fakes_none():
    given = pair(64)
    shown = APA(strength=0.5).images(given, None)
    slopes = torch.autograd.grad(
        (3 * shown.real).sum(), (given.real, given.fake), allow_unused=True
    )
    # at pseudo reals too, so that penalties at real samples hold for them
    assert torch.equal(slopes[0], torch.full_like(given.real, 3.0))
    assert slopes[1] is None


def test_the_generators_update_is_left_alone():
    model = plain_gan(techniques=[APA(strength=1.0)])
    given = pair(4, network='generator')
    assert model.techniques.images(given, model) is given
    judged = judged_for_generator(model, *latents())
    assert torch.equal(judged.shown.fake, judged.fake_image)


def test_the_discriminator_judges_pseudo_reals_as_real():
    model = plain_gan(PD(spectral_norm=False), techniques=[APA(strength=1.0)])
    z, label = latents()
    judged = judged_by_discriminator(model, batch(), z, label)
    expected = model.discriminator(model.generator(z, label), label)
    assert torch.allclose(judged.real.logits, expected.logits)
    assert torch.equal(judged.real.label, label)


def test_r1_is_taken_at_pseudo_reals_too():
    model = plain_gan(
        PD(spectral_norm=False), techniques=[APA(strength=1.0), R1(weight=2.0)]
    )
    data, (z, label) = batch(), latents()
    judged = judged_by_discriminator(model, data, z, label)
    found = model.techniques[1].discriminator_penalties(judged, model)['loss_r1']
    fakes = dict(image=model.generator(z, label).detach(), label=label)
    plain = plain_gan(PD(spectral_norm=False), techniques=[R1(weight=2.0)])
    plain.discriminator.load_state_dict(model.discriminator.state_dict())
    plain.generator.load_state_dict(model.generator.state_dict())
    judged = judged_by_discriminator(plain, fakes, z, label)
    expected = plain.techniques[0].discriminator_penalties(judged, plain)['loss_r1']
    assert torch.allclose(found, expected)


def test_without_strength_a_step_is_that_of_a_model_without_it():
    torch.manual_seed(1)
    plain = plain_gan()
    model = plain_gan(techniques=[APA()])
    model.load_state_dict(plain.state_dict(), strict=False)
    expected = plain.train_step(batch(), optimizers(plain, lr=0))
    found = model.train_step(batch(), optimizers(model, lr=0))
    assert expected == {name: found[name] for name in expected}


def test_different_numbers_of_reals_and_fakes_raise():
    given = pair(4)
    fewer = given._replace(fake=given.fake[:3], fake_label=given.fake_label[:3])
    with pytest.raises(ValueError, match='found 4 real and 3 fake images'):
        APA().images(fewer, None)


def test_the_published_settings_are_the_defaults():
    adaptive = APA().adaptive
    assert (adaptive.target, adaptive.interval, adaptive.kimg) == (0.6, 4, 500)
    assert adaptive.strength == 0
