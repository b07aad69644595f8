import pytest
import torch
from judging import judged_by_discriminator
from tiny_gan import batch, gradients, latents, optimizers, plain_gan

from reacgan_plugin.augment.pipeline import augment, multipliers_of
from reacgan_plugin.conditioning import PD
from reacgan_plugin.techniques import R1
from reacgan_plugin.techniques.ada import ADA


def test_the_discriminator_sees_what_the_pipeline_makes_of_images():
    model = plain_gan(techniques=[ADA(policy='bgc', strength=0.7)])
    torch.manual_seed(1)
    judged = judged_by_discriminator(model, batch(), *latents())
    torch.manual_seed(1)
    settings = torch.tensor(0.7), multipliers_of('bgc')
    assert torch.equal(judged.shown.fake, augment(judged.fake_image, *settings))
    assert torch.equal(judged.shown.real, augment(judged.image, *settings))
    logits = model.discriminator(judged.shown.real, judged.shown.label).logits
    assert torch.allclose(judged.real.logits, logits)


@pytest.mark.parametrize('policy', ['bgcfnc', dict(x_flip=1, noise=0.5)])
def test_without_strength_a_step_is_that_of_a_model_without_it(policy):
    torch.manual_seed(1)
    plain = plain_gan()
    model = plain_gan(techniques=[ADA(policy=policy)])
    model.load_state_dict(plain.state_dict(), strict=False)
    expected = plain.train_step(batch(), optimizers(plain, lr=0))
    found = model.train_step(batch(), optimizers(model, lr=0))
    for name, value in expected.items():
        assert torch.allclose(found[name], value, atol=1e-5), name
    for network in ('generator', 'discriminator'):
        theirs = gradients(getattr(plain, network))
        for name, gradient in gradients(getattr(model, network)).items():
            assert torch.allclose(gradient, theirs[name], atol=1e-5), name


def penalised(strength=1.0):
    """In float64, with a discriminator that is bent, so that its slope is learned."""
    techniques = [ADA(policy='bgc', strength=strength), R1(weight=2.0)]
    return plain_gan(PD(spectral_norm=False), techniques=techniques).double().train()


def penalty_of(model, data, z, label):
    torch.manual_seed(3)
    judged = judged_by_discriminator(model, data, z.double(), label)
    return model.techniques[1].discriminator_penalties(judged, model)['loss_r1']


def test_r1_is_the_slope_at_images_before_they_were_augmented():
    model, (z, label) = penalised(), latents()
    data = batch()
    data['image'] = data['image'].double()
    penalty = penalty_of(model, data, z, label)
    # along a direction, the slope of the whole way from an image to its logit
    torch.manual_seed(3)
    with torch.no_grad():
        fake = model.generator(z.double(), label)
    state = torch.get_rng_state()
    settings = model.techniques[0].strength, multipliers_of('bgc')

    def judged(image):
        torch.set_rng_state(state)
        augment(fake, *settings)
        seen = augment(image, *settings)
        return model.discriminator(seen, data['label']).logits

    slope = torch.autograd.functional.jacobian(
        lambda image: judged(image).sum(), data['image']
    )
    assert torch.allclose(penalty, slope.flatten(1).square().sum(1).mean())
    unaugmented = penalty_of(penalised(0.0), data, z, label)
    assert not torch.isclose(penalty, unaugmented)


def test_r1s_gradient_passes_through_the_augmentation():
    model, (z, label) = penalised(), latents()
    data = batch()
    data['image'] = data['image'].double()
    weight = model.discriminator.backbone.conv.weight
    (gradient,) = torch.autograd.grad(penalty_of(model, data, z, label), weight)
    direction = torch.randn_like(weight)
    ends = []
    for step in (1e-5, -1e-5):
        with torch.no_grad():
            weight += step * direction
        ends.append(penalty_of(model, data, z, label))
        with torch.no_grad():
            weight -= step * direction
    slope = (ends[0] - ends[1]) / 2e-5
    assert slope.abs() > 1e-6
    assert torch.allclose((gradient * direction).sum(), slope, rtol=1e-4)


def test_the_published_settings_are_the_defaults():
    technique = ADA()
    assert technique.policy == 'bgc'
    assert technique.multipliers == multipliers_of('bgc')
    assert (technique.adaptive.target, technique.adaptive.interval) == (0.6, 4)
    assert technique.adaptive.kimg == 500
    assert technique.strength == 0


def test_its_policy_is_shown_and_another_one_raises():
    assert "policy='bgcf'" in repr(ADA(policy='bgcf'))
    with pytest.raises(ValueError, match="policy='bgd' is not known"):
        ADA(policy='bgd')
