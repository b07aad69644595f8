import pytest
import torch
from tiny_gan import (
    Z_DIM,
    batch,
    biggan,
    changed,
    latents,
    optimizers,
    plain_gan,
    state,
)

from reacgan_plugin.conditioning import DiscriminatorOutput
from reacgan_plugin.functional import hinge_generator
from reacgan_plugin.gan.technique import Technique


class Record(Technique):
    """Does nothing either, and keeps the point and arguments of every call."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def latent(self, z, label, gan):
        self.calls.append(('latent', (z, label, gan)))
        return super().latent(z, label, gan)

    def images(self, real, fake):
        self.calls.append(('images', (real, fake)))
        return super().images(real, fake)

    def discriminator_terms(self, *args):
        self.calls.append(('discriminator_terms', args))
        return super().discriminator_terms(*args)

    def generator_terms(self, *args):
        self.calls.append(('generator_terms', args))
        return super().generator_terms(*args)

    def select(self, fake):
        self.calls.append(('select', (fake,)))
        return super().select(fake)

    def after_update(self, outputs):
        self.calls.append(('after_update', (outputs,)))
        return super().after_update(outputs)


def recorded():
    """A BigGAN, its one recording technique's calls, and what the step returned."""
    record = Record()
    model = biggan(techniques=[record])
    outputs = model.train_step(batch(size=32), optimizers(model))
    return model, record.calls, outputs


def test_the_step_calls_the_six_points_in_order():
    _, calls, _ = recorded()
    assert [point for point, _ in calls] == [
        'latent',
        'images',
        'discriminator_terms',
        'latent',
        'images',
        'select',
        'generator_terms',
        'after_update',
    ]


def test_points_of_the_discriminators_update_get_what_is_documented():
    model, calls, _ = recorded()
    (_, of_latent), (_, of_images), (_, of_terms) = calls[:3]
    z, label, gan = of_latent
    assert z.shape == (4, Z_DIM)
    assert label.shape == (4,)
    assert gan is model
    real_image, fake_image = of_images
    assert torch.equal(real_image, batch(size=32)['image'])
    assert fake_image.shape == (4, 3, 32, 32)
    assert not fake_image.requires_grad
    assert of_terms[0] is model
    assert of_terms[1] is real_image
    assert of_terms[2] is fake_image
    for output, expected in zip(of_terms[3:], (batch()['label'], label), strict=True):
        assert isinstance(output, DiscriminatorOutput)
        assert torch.equal(output.label, expected)


def test_points_of_the_generators_update_get_what_is_documented():
    model, calls, outputs = recorded()
    (_, of_latent), (_, of_images), (_, of_select), (_, of_terms) = calls[3:7]
    z, label, gan = of_latent
    assert gan is model
    assert not torch.equal(z, calls[0][1][0])
    assert of_images[0] is None
    assert of_images[1].requires_grad
    (fake,) = of_select
    assert torch.equal(fake.label, label)
    assert of_terms[0] is model
    assert of_terms[1] is z
    assert of_terms[2] is of_images[1]
    assert of_terms[3] is fake
    assert calls[7] == ('after_update', (outputs,))
    assert not any(value.requires_grad for value in outputs.values())


def after_two_iterations(*techniques, make=biggan):
    torch.manual_seed(1)
    model = make(techniques=techniques)
    wrappers = optimizers(model)
    for _ in range(2):
        terms = model.train_step(batch(size=32), wrappers)
    return model, terms


def test_a_technique_that_does_nothing_changes_no_bit():
    plain, terms = after_two_iterations()
    with_techniques, same_terms = after_two_iterations(Technique(), Technique())
    assert changed(state(plain), with_techniques) == set()
    assert terms == same_terms


class Terms(Technique):
    """One term to be minimised and one to be looked at, in each objective."""

    def discriminator_terms(self, gan, real_image, fake_image, real, fake):
        return {'loss_mine': 3 * real.logits.mean(), 'seen': fake.logits.mean()}

    def generator_terms(self, gan, z, fake_image, fake):
        return {'loss_mine': fake_image.square().mean(), 'seen': z.mean()}


def test_terms_are_added_to_both_objectives_and_others_only_logged():
    model = plain_gan(techniques=[Terms()])
    terms = model.train_step(batch(), optimizers(model))
    assert torch.isclose(terms['d/loss_mine'], 3 * terms['d/logit_real'])
    assert torch.isclose(terms['d/seen'], terms['d/logit_fake'])
    for update in ('d', 'g'):
        names = ('loss_adversarial', 'loss_conditioning', 'loss_mine')
        total = sum(terms[f'{update}/{name}'] for name in names)
        assert torch.isclose(terms[f'{update}/loss'], total)


def test_a_term_moves_the_weights():
    plain, _ = after_two_iterations(make=plain_gan)
    with_term, _ = after_two_iterations(Terms(), make=plain_gan)
    moved = changed(state(plain), with_term)
    assert 'generator.map.weight' in moved
    assert 'discriminator.backbone.conv.weight' in moved


class Zeros(Technique):
    """Replaces z, and the images after it."""

    def latent(self, z, label, gan):
        return torch.zeros_like(z)

    def images(self, real, fake):
        return None if real is None else torch.ones_like(real), fake / 2


def test_what_a_technique_returns_takes_the_place_of_z_and_images():
    model = plain_gan(techniques=[Zeros()])
    (z, label), data = latents(), batch()
    fake_image = model.generator(torch.zeros_like(z), label) / 2
    judged = model.discriminator(fake_image, label).logits.mean()
    ones = torch.ones_like(data['image'])
    real = model.discriminator(ones, data['label']).logits.mean()
    wrappers = optimizers(model, lr=0)
    of_d = model.update_discriminator(data['image'], data['label'], z, label, wrappers)
    of_g = model.update_generator(z, label, wrappers)
    assert torch.isclose(of_d['logit_real'], real)
    assert torch.isclose(of_d['logit_fake'], judged)
    assert torch.isclose(of_g['loss_adversarial'], -judged)


class Half(Technique):
    """Takes the generator's losses over the first half of the batch."""

    def select(self, fake):
        half = len(fake.logits) // 2
        return DiscriminatorOutput(
            *(None if value is None else value[:half] for value in fake)
        )


def test_the_generators_losses_are_taken_over_the_selected_part():
    model = plain_gan(techniques=[Half()])
    z, label = latents()
    fake = model.discriminator(model.generator(z, label), label)
    terms = model.update_generator(z, label, optimizers(model, lr=0))
    assert torch.isclose(terms['loss_adversarial'], hinge_generator(fake.logits[:2]))
    expected = model.loss.terms(Half().select(fake))['loss_conditioning']
    assert torch.isclose(terms['loss_conditioning'], expected)


class AddOne(Technique):
    def latent(self, z, label, gan):
        return z + 1


class Double(Technique):
    def latent(self, z, label, gan):
        return 2 * z


def test_techniques_apply_in_the_order_of_the_list():
    record = Record()
    model = plain_gan(techniques=[AddOne(), Double(), record])
    z, label = latents()
    model.update_generator(z, label, optimizers(model))
    assert torch.equal(record.calls[0][1][0], 2 * (z + 1))


class Counter(Technique):
    """Counts iterations in its extra state and sums losses in a buffer."""

    def __init__(self):
        super().__init__()
        self.count = 0
        self.register_buffer('total', torch.zeros(()))

    def after_update(self, outputs):
        self.count += 1
        self.total += outputs['g/loss']

    def get_extra_state(self):
        return {'count': self.count}

    def set_extra_state(self, state):
        self.count = state['count']


def test_what_a_technique_keeps_survives_the_state_dict():
    counter, other = Counter(), Counter()
    model = plain_gan(techniques=[Technique(), counter])
    for _ in range(2):
        model.train_step(batch(), optimizers(model))
    restored = plain_gan(techniques=[Technique(), other])
    restored.load_state_dict(model.state_dict())
    assert other.count == 2
    assert other.total == counter.total != 0


@pytest.mark.parametrize('accumulation', [1, 2])
def test_techniques_see_every_micro_batch(accumulation):
    record = Record()
    model = plain_gan(techniques=[record], accumulation=accumulation)
    model.train_step(batch(), optimizers(model))
    points = [point for point, _ in record.calls]
    assert points.count('discriminator_terms') == accumulation
    assert points.count('generator_terms') == accumulation
    assert points.count('after_update') == 1
