"""Whole updates against the reference's own. What a ``step_*`` file calls the
discriminator's values after Adam was recorded after the generator's step, so D's
optimizer step is checked by the trace."""

import pytest
from golden_files import load, names, relative_error
from golden_networks import CONVERT, SHARED_GENERATOR, part, trained_model

STEPS = names('step_*')
UPDATES = [(name, network) for name in STEPS for network in CONVERT]
TINY = 1e-4  # gradients that are zero but for rounding


def _updated(name: str, network: str):
    """Terms and model after one update of the network; the golden numbers."""
    golden, metadata = load(name)
    discriminator_file = metadata['d_state_file'].removesuffix('.safetensors')
    own = metadata['g_state_file'].removesuffix('.safetensors')
    generator_file = own if own.startswith('G_') else SHARED_GENERATOR
    model, optimizers = trained_model(generator_file, discriminator_file, metadata)
    prefix = f'{network[0]}_step.'
    z, fake_label = golden[f'{prefix}z'].double(), golden[f'{prefix}fake_label']
    if network == 'discriminator':
        real = load(discriminator_file)[0]
        terms = model.update_discriminator(
            real['image'].double(), real['label'], z, fake_label, optimizers
        )
    else:
        terms = model.update_generator(z, fake_label, optimizers)
    return model, terms, part(golden, prefix), part(metadata['scalars'], prefix)


def _zero_gradient(name: str, network: str) -> list[str]:
    replay = load(name)[1]['float64_replay']
    key = f'{network[0].upper()}_params_with_mathematically_zero_gradient'
    return replay.get(key, [])


@pytest.mark.parametrize('name, network', UPDATES)
def test_an_update_has_the_losses_of_the_reference(name, network):
    _, terms, _, scalars = _updated(name, network)
    assert terms['loss'].item() == pytest.approx(scalars['loss'], rel=1e-5)
    adversarial = sum(scalars['parts']['adv'])  # multi-hinge has two in D's step
    if 'MH' in name and network == 'generator':
        adversarial *= load(name)[1]['loss']['mh_lambda']
    assert terms['loss_adversarial'].item() == pytest.approx(adversarial, rel=1e-5)


@pytest.mark.parametrize('name, network', UPDATES)
def test_an_update_has_the_gradients_of_the_reference(name, network):
    model, _, golden, scalars = _updated(name, network)
    gradients = {k: p.grad for k, p in getattr(model, network).named_parameters()}
    zero = _zero_gradient(name, network)
    stored = {k: v for k, v in part(golden, 'grad.').items() if k not in zero}
    assert stored
    for key, expected in CONVERT[network](stored).items():
        assert relative_error(gradients[key], expected) < 1e-4, key
    norms = {
        name: norm
        for name, norm in scalars['grad_norms'].items()
        if name not in zero and norm is not None  # unused there: a twin's weights
    }
    for key, expected in CONVERT[network](norms).items():
        norm = gradients[key].norm().item()
        assert norm == pytest.approx(expected, rel=1e-4, abs=TINY), key


@pytest.mark.parametrize('name', STEPS)
def test_a_generator_update_leaves_the_state_of_the_reference(name):
    model, _, golden, _ = _updated(name, 'generator')
    state = model.generator.state_dict()
    for key, expected in CONVERT['generator'](part(golden, 'post.')).items():
        assert relative_error(state[key], expected) < 1e-5, key


def test_three_iterations_with_average_follow_the_trace_of_the_reference():
    golden, metadata = load('trace_bigresnet32small_D2DCE')
    rows, d_updates = metadata['batch'], metadata['d_updates_per_step']
    average = dict(decay=metadata['ema_decay'], start=metadata['ema_start_iter'])
    model, optimizers = trained_model(
        'G_bigresnet32small_D2DCE', 'D_bigresnet32small_D2DCE', metadata, ema=average
    )
    draws = iter(zip(golden['z'].double(), golden['fake_label'], strict=True))
    for iteration in range(metadata['iterations']):
        images = golden[f'real_image.{iteration}'].double().split(rows)
        labels = golden[f'real_label.{iteration}'].split(rows)
        for update in range(d_updates):
            d_terms = model.update_discriminator(
                images[update], labels[update], *next(draws), optimizers
            )
        g_terms = model.update_generator(*next(draws), optimizers)
        model.update_ema()
        model.iteration += 1
        expected = golden['d_loss_last_update'][iteration].item()
        assert d_terms['loss'].item() == pytest.approx(expected, rel=1e-5)
        expected = golden['g_loss'][iteration].item()
        assert g_terms['loss'].item() == pytest.approx(expected, rel=1e-5)
    finals = {
        'generator': ('final.G.', CONVERT['generator']),
        'generator_ema': ('final.G_ema.', CONVERT['generator']),
        'discriminator': ('final.D.', CONVERT['discriminator']),
    }
    for network, (prefix, convert) in finals.items():
        state = getattr(model, network).state_dict()
        for key, expected in convert(part(golden, prefix)).items():
            # the reference averages singular vectors, which we copy
            if network == 'generator_ema' and key.endswith(('_u', '_v')):
                continue
            assert relative_error(state[key], expected) < 1e-4, f'{network}.{key}'
