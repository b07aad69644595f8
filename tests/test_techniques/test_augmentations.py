"""What the techniques that augment images have in common."""

from contextlib import nullcontext
from copy import deepcopy

import pytest
import torch
from judging import judged_by_discriminator, judged_for_generator
from tiny_gan import batch, biggan, latents, optimizers, plain_gan
from tiny_methods import METHODS

from reacgan_plugin.gan.technique import Shown, Technique
from reacgan_plugin.techniques.ada import ADA
from reacgan_plugin.techniques.apa import APA
from reacgan_plugin.techniques.diffaugment import DiffAugment

AUGMENTATIONS = {
    'DiffAugment': DiffAugment,
    'ADA': lambda: ADA(policy='bgcfnc', strength=0.6, interval=1),
    'APA': lambda: APA(strength=0.6, interval=1),
}
every_augmentation = pytest.mark.parametrize('name', AUGMENTATIONS)


class Keep(Technique):
    """Keeps what the discriminator is to see."""

    def __init__(self):
        super().__init__()
        self.shown = []

    def images(self, shown, gan):
        self.shown.append(shown)
        return shown


@every_augmentation
@pytest.mark.parametrize('method', METHODS)
def test_every_conditioning_trains_with_it(method, name):
    conditioning = METHODS[method](spectral_norm=False)
    model = plain_gan(conditioning, techniques=[AUGMENTATIONS[name]()])
    for _ in range(2):
        terms = model.train_step(batch(), optimizers(model, lr=0.01))
    assert all(term.isfinite() for term in terms.values())


@every_augmentation
def test_images_that_are_sampled_are_never_augmented(name):
    torch.manual_seed(1)
    plain = plain_gan(ema=dict(decay=0.5))
    model = deepcopy(plain)
    model.techniques.append(AUGMENTATIONS[name]())
    z, label = latents()
    assert torch.equal(model(z, label), plain(z, label))


@every_augmentation
def test_exact_accumulation_draws_the_same_again(name):
    keep = Keep()
    model = plain_gan(
        techniques=[AUGMENTATIONS[name](), keep],
        accumulation=2,
        accumulation_mode='exact',
    )
    model.train_step(batch(8), optimizers(model))
    of_discriminator, of_generator = keep.shown[:4], keep.shown[4:]
    assert len(of_generator) == 4
    for first, second, *again in (of_discriminator, of_generator):
        for shown, repeated in zip((first, second), again, strict=True):
            assert torch.equal(shown.fake, repeated.fake)
            assert torch.equal(shown.fake_label, repeated.fake_label)
            if shown.real is not None:
                assert torch.equal(shown.real, repeated.real)
                assert torch.equal(shown.label, repeated.label)


@every_augmentation
def test_a_step_asks_the_device_for_no_value(name, monkeypatch):
    # the meta device has no values, and no autocast that could be switched off
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    model = plain_gan(techniques=[AUGMENTATIONS[name]()]).to('meta')
    model.data_preprocessor.to('meta')
    outputs = model.train_step(batch(), optimizers(model))
    assert {value.device.type for value in outputs.values()} == {'meta'}


@every_augmentation
def test_images_are_augmented_in_float32_under_autocast(name):
    shown = []
    for amp in (None, 'bf16'):
        torch.manual_seed(2)
        keep = Keep()
        model = biggan(techniques=[AUGMENTATIONS[name](), keep], amp=amp)
        model.train_step(batch(size=32), optimizers(model))
        assert {s.fake.dtype for s in keep.shown} == {torch.float32}
        shown.append(keep.shown[0].real)
    if name != 'APA':  # whose pseudo reals come from a network
        assert torch.equal(*shown)


@every_augmentation
def test_a_step_is_a_function_of_the_models_seed(name):
    results = []
    for noise in (1, 2):
        torch.manual_seed(0)
        model = plain_gan(techniques=[AUGMENTATIONS[name]()])
        torch.manual_seed(noise)
        results.append(model.train_step(batch(), optimizers(model)))
    assert results[0] == results[1]


@pytest.mark.parametrize('name', ['DiffAugment', 'ADA'])
def test_both_updates_see_augmented_images_and_the_generator_learns_through_them(name):
    keep = Keep()
    model = plain_gan(techniques=[AUGMENTATIONS[name](), keep])
    data, (z, label) = batch(), latents()
    judged = judged_by_discriminator(model, data, z, label)
    (shown,) = keep.shown
    assert shown is judged.shown
    for seen, plain in ((shown.real, judged.image), (shown.fake, judged.fake_image)):
        assert seen.shape == plain.shape
        assert not torch.allclose(seen, plain)
    assert torch.equal(shown.label, data['label'])
    judged = judged_for_generator(model, z, label)
    assert judged.shown.real is None
    assert not torch.allclose(judged.shown.fake, judged.fake_image)
    judged.fake.logits.sum().backward()
    assert model.generator.map.weight.grad.abs().sum() > 0


@pytest.mark.parametrize('name', ['DiffAugment', 'ADA'])
def test_reals_and_fakes_are_augmented_in_their_own_ways(name):
    shown = plain_gan(techniques=[AUGMENTATIONS[name]()]).techniques.images(
        plain_pair(), None
    )
    assert not torch.equal(shown.real, shown.fake)


def plain_pair():
    data = batch()
    return Shown('discriminator', data['image'], data['label'], *data.values())


@pytest.mark.parametrize('name', ['DiffAugment', 'ADA'])
def test_reals_of_the_generators_update_are_augmented_too(name):
    shown = AUGMENTATIONS[name]().images(
        plain_pair()._replace(network='generator'), None
    )
    data = batch()
    assert not torch.allclose(shown.real, data['image'])
    assert not torch.allclose(shown.fake, data['image'])
