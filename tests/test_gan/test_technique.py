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
from reacgan_plugin.gan.adversarial import Hinge
from reacgan_plugin.gan.technique import Technique


class Record(Technique):
    """Does nothing either, and keeps the point and arguments of every call."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def latent(self, z, label, gan):
        self.calls.append(('latent', (z, label, gan)))
        return super().latent(z, label, gan)

    def images(self, shown, gan):
        self.calls.append(('images', (shown, gan)))
        return super().images(shown, gan)

    def discriminator_terms(self, judged, gan):
        self.calls.append(('discriminator_terms', (judged, gan)))
        return super().discriminator_terms(judged, gan)

    def discriminator_penalties(self, judged, gan):
        self.calls.append(('discriminator_penalties', (judged, gan)))
        return super().discriminator_penalties(judged, gan)

    def select(self, fake, gan):
        self.calls.append(('select', (fake, gan)))
        return super().select(fake, gan)

    def generator_terms(self, judged, gan):
        self.calls.append(('generator_terms', (judged, gan)))
        return super().generator_terms(judged, gan)

    def generator_penalties(self, judged, gan):
        self.calls.append(('generator_penalties', (judged, gan)))
        return super().generator_penalties(judged, gan)

    def after_update(self, outputs, gan):
        self.calls.append(('after_update', (outputs, gan)))
        return super().after_update(outputs, gan)


def recorded():
    """A BigGAN, its one recording technique's calls, and what the step returned."""
    record = Record()
    model = biggan(techniques=[record])
    outputs = model.train_step(batch(size=32), optimizers(model))
    return model, record.calls, outputs


def test_the_step_calls_the_eight_points_in_order():
    _, calls, _ = recorded()
    assert [point for point, _ in calls] == [
        'latent',
        'images',
        'discriminator_terms',
        'discriminator_penalties',
        'latent',
        'images',
        'select',
        'generator_terms',
        'generator_penalties',
        'after_update',
    ]


def test_points_of_the_discriminators_update_get_what_is_documented():
    model, calls, _ = recorded()
    (_, of_latent), (_, of_images), (_, of_terms), (_, of_penalties) = calls[:4]
    z, label, gan = of_latent
    assert z.shape == (4, Z_DIM)
    assert label.shape == (4,)
    assert gan is model
    shown, gan = of_images
    assert gan is model
    assert shown.network == 'discriminator'
    assert torch.equal(shown.real, batch(size=32)['image'])
    assert torch.equal(shown.label, batch()['label'])
    assert shown.fake.shape == (4, 3, 32, 32)
    assert shown.fake.is_leaf
    assert torch.equal(shown.fake_label, label)
    for judged, gan in (of_terms, of_penalties):
        assert gan is model
        assert judged.shown is shown
        assert judged.image is shown.real
        assert judged.fake_image is shown.fake
        assert isinstance(judged.real, DiscriminatorOutput)
        assert torch.equal(judged.real.label, shown.label)
        assert torch.equal(judged.fake.label, label)
        assert judged.fake.z is z


def test_points_of_the_generators_update_get_what_is_documented():
    model, calls, outputs = recorded()
    (_, of_latent), (_, of_images), (_, of_select), *of_terms, last = calls[4:]
    z, label, gan = of_latent
    assert gan is model
    assert not torch.equal(z, calls[0][1][0])
    shown, gan = of_images
    assert gan is model
    assert shown.network == 'generator'
    assert shown.real is shown.label is None
    assert not shown.fake.is_leaf
    fake, gan = of_select
    assert gan is model
    assert torch.equal(fake.label, label)
    for _, (judged, gan) in of_terms:
        assert gan is model
        assert judged.fake is fake
        assert judged.fake.z is z
        assert judged.real is judged.image is None
        assert judged.fake_image is shown.fake
    assert last == ('after_update', (outputs, model))
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

    def discriminator_terms(self, judged, gan):
        return {'loss_mine': 3 * judged.real.logits.mean()}

    def discriminator_penalties(self, judged, gan):
        return {'seen': judged.fake.logits.mean()}

    def generator_terms(self, judged, gan):
        return {'seen': judged.fake.z.mean()}

    def generator_penalties(self, judged, gan):
        return {'loss_mine': judged.fake_image.square().mean()}


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

    def images(self, shown, gan):
        real = None if shown.real is None else torch.ones_like(shown.real)
        return shown._replace(real=real, fake=shown.fake / 2)


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

    def select(self, fake, gan):
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
    expected = model.loss.terms(Half().select(fake, model))['loss_conditioning']
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

    def after_update(self, outputs, gan):
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


def test_what_is_added_after_an_update_is_logged():
    class Note(Technique):
        def after_update(self, outputs, gan):
            outputs['noted'] = torch.tensor(float(gan.iteration))

    model = plain_gan(techniques=[Note()])
    outputs = [model.train_step(batch(), optimizers(model)) for _ in range(2)]
    assert [terms['noted'] for terms in outputs] == [0, 1]


@pytest.mark.parametrize('mode, terms', [('plain', 2), ('exact', 1)])
def test_penalties_see_every_micro_batch_and_terms_what_losses_see(mode, terms):
    record = Record()
    model = plain_gan(techniques=[record], accumulation=2, accumulation_mode=mode)
    model.train_step(batch(), optimizers(model))
    points = [point for point, _ in record.calls]
    for network in ('discriminator', 'generator'):
        assert points.count(f'{network}_terms') == terms
        assert points.count(f'{network}_penalties') == 2
    assert points.count('after_update') == 1
    rows = {
        len(judged.fake.label)
        for point, (judged, *_) in record.calls
        if point.endswith('terms')
    }
    assert rows == {4 // terms}


class Weighted(Technique):
    """Weighs every pixel, and asks for gradients with respect to plain images."""

    def __init__(self):
        super().__init__()
        self.weight = torch.linspace(0, 1, 64).view(8, 8)
        self.found = []

    def images(self, shown, gan):
        return shown._replace(
            real=self.weight * shown.real, fake=self.weight * shown.fake
        )

    def discriminator_penalties(self, judged, gan):
        for plain, seen in (
            (judged.image, judged.shown.real),
            (judged.fake_image, judged.shown.fake),
        ):
            (gradient,) = torch.autograd.grad(seen.sum(), plain)
            self.found.append(gradient)
        return {}


def test_penalties_can_differentiate_through_what_images_went_through():
    technique = Weighted()
    model = plain_gan(techniques=[technique])
    model.discriminator_terms(*batch().values(), *latents())
    for gradient in technique.found:
        assert torch.equal(gradient, technique.weight.expand_as(gradient))


def test_images_that_techniques_get_are_float32_under_autocast():
    record = Record()
    model = biggan(techniques=[record], amp='bf16')
    model.train_step(batch(size=32), optimizers(model))
    shown = [arguments[0] for point, arguments in record.calls if point == 'images']
    assert {s.fake.dtype for s in shown} == {torch.float32}


@pytest.mark.parametrize(
    'listed, message',
    [
        (['LeCam'], r"techniques\[0\] is 'LeCam', which is no technique"),
        (dict(type='R1'), r"techniques\[0\] is 'type', which is no technique"),
        ([Technique(), Hinge()], r'techniques\[1\] is Hinge\(\), which is no'),
        ([Terms(), Record(), Terms()], r'techniques\[2\] is a second Terms'),
    ],
)
def test_a_list_with_what_does_not_belong_there_raises(listed, message):
    with pytest.raises(ValueError, match=message):
        plain_gan(techniques=listed)
