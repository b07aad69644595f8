import pytest
import torch
from judging import judged_by_discriminator
from tiny_gan import batch, latents, plain_gan

from reacgan_plugin.augment.diffaugment import diff_augment
from reacgan_plugin.techniques.diffaugment import DiffAugment


@pytest.mark.parametrize('policy', [('color',), ('cutout', 'translation')])
def test_the_discriminator_sees_what_the_policy_makes_of_images(policy):
    model = plain_gan(techniques=[DiffAugment(policy=policy)])
    torch.manual_seed(1)
    judged = judged_by_discriminator(model, batch(), *latents())
    torch.manual_seed(1)
    fake = diff_augment(judged.fake_image, policy)
    real = diff_augment(judged.image, policy)
    assert torch.equal(judged.shown.fake, fake)
    assert torch.equal(judged.shown.real, real)
    logits = model.discriminator(real, judged.shown.label).logits
    assert torch.allclose(judged.real.logits, logits)


def test_all_of_it_is_the_default_and_one_name_is_a_policy():
    assert DiffAugment().policy == ('color', 'translation', 'cutout')
    assert DiffAugment(policy='cutout').policy == ('cutout',)
    assert DiffAugment(policy=['cutout', 'color']).policy == ('cutout', 'color')
    assert 'cutout' in repr(DiffAugment())


def test_it_keeps_nothing():
    assert DiffAugment().state_dict() == {}


@pytest.mark.parametrize(
    'policy, message',
    [
        (['colour'], "policy='colour' is not known.*did you mean 'color'"),
        ('color,cutout', "policy='color,cutout' is not known"),
        ((), 'policy is empty; allowed: color, translation, cutout'),
    ],
)
def test_another_policy_raises(policy, message):
    with pytest.raises(ValueError, match=message):
        DiffAugment(policy=policy)
