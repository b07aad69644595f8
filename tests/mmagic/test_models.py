"""Stock models under every conditioning."""

import pytest
import torch
from mmengine.logging import MessageHub
from stock import (
    CLASSES,
    ROWS,
    SIZES,
    STOCK,
    Keeping,
    built,
    data,
    gradients,
    optimizers,
    trained,
)

import reacgan_plugin.integrations.mmagic  # noqa: F401
from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.functional import d2d_cross_entropy

AC, CODES = dict(type='AC'), dict(discrete=1, categories=2, continuous=1)
LOSSES = {
    'D2DCE': dict(type='D2DCE', embed_dim=8),
    '2C': dict(type='2C', embed_dim=8),
    'AC': AC,
    'PD': dict(type='PD'),
    'SPD': dict(type='SPD'),
    'MD': dict(type='MD'),
    'MH': dict(type='MH'),
    'TAC': dict(type='TAC', method=AC),
    'ADC': dict(type='ADC', method=AC),
    'Info': dict(type='Info', method=AC, **CODES),
    'Unconditional': dict(type='Unconditional'),
}
OWN_TERM = ('D2DCE', '2C', 'AC', 'TAC', 'ADC', 'Info')


def settings(name: str, loss: str) -> dict:
    """What a config has beside the stock one."""
    hinge = name == 'StyleGAN2' and loss == 'MH'  # which stands in for a hinge loss
    more = dict(adversarial_loss=dict(type='Hinge')) if hinge else {}
    return dict(loss=LOSSES[loss], **more)


every_model = pytest.mark.parametrize('name', STOCK)
every_loss = pytest.mark.parametrize('loss', LOSSES)


@every_model
@every_loss
def test_a_stock_model_trains_under_a_conditioning(name, loss):
    model = built(name, **settings(name, loss))
    head = model.discriminator.head
    before = {key: value.clone() for key, value in head.named_parameters()}
    logs = trained(model, name)
    for log in logs:
        assert all(torch.isfinite(torch.tensor(value)) for value in log.values()), log
    for key, value in head.named_parameters():
        assert not torch.equal(before[key], value), key
    has_term = any('conditioning' in key for key in logs[-1])
    assert has_term is (loss in OWN_TERM)
    assert not hasattr(model.discriminator, 'proj_y')


@every_model
@pytest.mark.parametrize('loss', OWN_TERM)
def test_the_generators_gradient_contains_the_conditioning_term(name, loss):
    found = []
    for weight in (1.0, 0.0):
        torch.manual_seed(0)
        model = built(name, **settings(name, loss))
        inner = getattr(model.conditioning, 'method', model.conditioning)
        inner.loss_weight = weight
        model.label_fn = lambda num_batches: torch.tensor([0, 1, 2, 1])
        still = optimizers(model, lr=0.0, kind=Keeping)
        MessageHub.get_current_instance().update_info('iter', 1)
        torch.manual_seed(1)
        model.train_step(data(name), still)
        found.append(gradients(model.generator))
    assert found[0].keys() == found[1].keys()
    assert any(not torch.equal(found[0][key], found[1][key]) for key in found[0])


@every_model
def test_a_discriminator_answers_with_stock_logits_and_our_terms(name):
    torch.manual_seed(0)
    model = built(name, loss=LOSSES['D2DCE'])
    discriminator, kind = model.discriminator.eval(), type(model.discriminator)
    size = SIZES.get(name, 32)
    image, label = torch.randn(ROWS, 3, size, size), torch.tensor([0, 1, 2, 1])
    output = discriminator(image, label)
    assert isinstance(output, DiscriminatorOutput)
    seen = []
    last = discriminator.get_submodule(discriminator.last_layer)
    last.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    stock = kind.__mro__[2].forward(discriminator, image)  # before it had a head
    torch.testing.assert_close(output.logits, stock.squeeze(1))
    torch.testing.assert_close(output.features, seen[0])
    head = discriminator.head
    by_hand = d2d_cross_entropy(head.projection(seen[0]), head.proxies(label), label)
    by_hand = model.conditioning.loss_weight * by_hand
    ours = model.conditioning.discriminator(output, output)['loss_conditioning']
    torch.testing.assert_close(ours, by_hand)


def test_regularisers_of_stylegan2_are_taken_under_the_labels():
    often = dict(
        r1_loss_weight=80.0, r1_interval=2, g_reg_interval=2, pl_batch_shrink=2
    )
    model = built('StyleGAN2', loss=dict(type='PD'), loss_config=often)
    logs = trained(model, 'StyleGAN2', iterations=3)
    for name in ('loss_disc_r1_gp', 'loss_gen_path_regular'):
        assert [name in log for log in logs] == [True, False, True]
        assert logs[0][name] > 0
    assert model.mean_path_length > 0
    assert model.generator.w_avg.abs().sum() > 0  # so that truncation has a centre


def test_stylegan2_takes_classes_that_were_asked_for():
    model = built('StyleGAN2', loss=LOSSES['D2DCE']).eval()
    z = torch.randn(1, 16).expand(CLASSES, -1)
    images = model.generator(z, label=torch.arange(CLASSES), randomize_noise=False)
    assert not torch.allclose(images[0], images[1])
    sampled = model(dict(num_batches=2))
    assert sampled[0].fake_img.shape == (3, 8, 8)
    assert 0 <= int(sampled[0].gt_label.label) < CLASSES


def test_the_relativistic_loss_pairs_fakes_with_reals_of_their_class():
    pairs = dict(type='Relativistic')
    model = built('BigGAN', loss=AC, adversarial_loss=pairs)
    asked = []
    model.generator.register_forward_pre_hook(
        lambda module, args, kwargs: asked.append(kwargs['label']), with_kwargs=True
    )
    trained(model, 'BigGAN', iterations=1)
    real = model.data_preprocessor(data('BigGAN'))['data_samples'].gt_label.label
    assert len(asked) == 2
    assert all(torch.equal(label, real.reshape(-1)) for label in asked)


def test_settings_of_sampling_reach_a_conditional_stylegan2():
    model, seen = built('StyleGAN2', loss=AC), []
    model.generator_ema.module.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs), with_kwargs=True
    )
    kwargs = dict(truncation=0.5, randomize_noise=False)
    samples = model(dict(num_batches=2, sample_kwargs=kwargs))
    assert seen[0]['truncation'] == 0.5 and seen[0]['randomize_noise'] is False
    assert samples[0].sample_kwargs == kwargs
    assert torch.equal(seen[0]['label'][:1], samples[0].gt_label.label.reshape(-1))
    both = model(dict(num_batches=2, sample_model='ema/orig'))
    assert both[0].ema.fake_img.shape == both[0].orig.fake_img.shape == (3, 8, 8)


def test_labels_of_a_stylegan2_generator_may_have_mmagics_own_shape():
    generator = built('StyleGAN2', loss=AC).generator.eval()
    z, label = torch.randn(2, 16), torch.tensor([0, 2])
    flat, column = (
        generator(z, label=value, randomize_noise=False)
        for value in (label, label[:, None])
    )
    assert torch.equal(flat, column)
    with pytest.raises(ValueError, match='num_batches is needed'):
        generator(None)


@pytest.mark.parametrize('loss', ['D2DCE', 'MH'])
def test_adaptive_augmentation_reads_one_number_an_image(loss):
    augmented = dict(
        type='ADAStyleGAN2Discriminator',
        in_size=8,
        data_aug=dict(type='ADAAug', update_interval=2, ada_kimg=0.001),
    )
    more = settings('StyleGAN2', loss)
    model = built('StyleGAN2', discriminator=augmented, **more)
    trained(model, 'StyleGAN2', iterations=1)
    total, signs = model.discriminator.ada_aug.log_buffer.tolist()
    assert total == ROWS and -ROWS <= signs <= ROWS


@pytest.mark.parametrize(
    'steps', [dict(discriminator_steps=2), dict(generator_steps=2)]
)
def test_the_number_of_updates_stays_mmagics(steps):
    model, updates = built('BigGAN', loss=AC, **steps), []
    for name in ('train_generator', 'train_discriminator'):
        original = getattr(model, name)
        setattr(
            model,
            name,
            lambda *args, name=name, original=original, **kwargs: (
                updates.append(name) or original(*args, **kwargs)
            ),
        )
    trained(model, 'BigGAN', iterations=2)
    of_generator = updates.count('train_generator')
    assert updates.count('train_discriminator') == 2
    assert of_generator == (1 if 'discriminator_steps' in steps else 4)
