"""StyleGAN2 against the reference's own outputs, losses, penalties and gradients."""

from types import SimpleNamespace

import pytest
import torch
from golden_files import load, relative_error
from golden_networks import part

from reacgan_plugin.backbones import StyleGAN2Discriminator, StyleGAN2Generator
from reacgan_plugin.conditioning import D2DCELoss
from reacgan_plugin.functional import (
    d2d_cross_entropy,
    logistic_discriminator,
    logistic_generator,
)
from reacgan_plugin.functional.penalties import path_lengths
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.gan.technique import Judged, Shown
from reacgan_plugin.integrations.studiogan import (
    convert_discriminator_state,
    convert_generator_state,
    export_discriminator_state,
    export_generator_state,
)
from reacgan_plugin.techniques import R1, PathLength

GENERATOR, DISCRIMINATOR = 'G_stylegan2_32', 'D_stylegan2_32_D2DCE'
STEP = 'step_stylegan2_32_D2DCE'
OPTIONS = dict(channel_base=512, channel_max=16)


def generator():
    built = StyleGAN2Generator(
        size=32, num_classes=10, z_dim=24, w_dim=20, mapping_layers=2, **OPTIONS
    )
    state = part(load(GENERATOR)[0], 'state.')
    built.load_state_dict(convert_generator_state(state), strict=True)
    return built


def discriminator():
    backbone = StyleGAN2Discriminator(size=32, architecture='orig', **OPTIONS)
    head = D2DCELoss(embed_dim=16).build_head(16, 10, layers=backbone.head_layers)
    built = Discriminator(backbone, head)
    state = part(load(DISCRIMINATOR)[0], 'state.')
    built.load_state_dict(convert_discriminator_state(state), strict=True)
    return built


@pytest.mark.parametrize(
    'name, convert, export',
    [
        (GENERATOR, convert_generator_state, export_generator_state),
        (DISCRIMINATOR, convert_discriminator_state, export_discriminator_state),
    ],
)
def test_an_exported_state_is_the_one_that_was_imported(name, convert, export):
    state = part(load(name)[0], 'state.')
    exported = export(convert(state))
    assert exported.keys() == state.keys()
    assert all(exported[key] is state[key] for key in state)


def test_styles_are_those_of_the_reference():
    golden, built = load(GENERATOR)[0], generator().eval()
    z, label = golden['z'], golden['label']
    assert relative_error(built.styles(z, label), golden['ws']) < 1e-5
    truncated = built.styles(z, label, truncation=0.7)
    assert relative_error(truncated, golden['ws_psi07']) < 1e-5


@pytest.mark.parametrize('noise', ['const', 'none'])
def test_images_are_those_of_the_reference(noise):
    golden, built = load(GENERATOR)[0], generator().eval()
    image = built(golden['z'], golden['label'], noise=noise)
    assert relative_error(image, golden[f'image_{noise}']) < 1e-5


def test_a_truncated_image_is_that_of_the_reference():
    golden, built = load(GENERATOR)[0], generator().eval()
    image = built(golden['z'], golden['label'], noise='none', truncation=0.7)
    assert relative_error(image[:1], golden['image_psi07_none_row0']) < 1e-5


def test_the_discriminator_judges_like_the_reference():
    golden = load(DISCRIMINATOR)[0]
    output = discriminator().eval()(golden['image'], golden['eval.label'])
    expected = dict(logits='adv_output', features='h', embedding='embed', proxy='proxy')
    for field, key in expected.items():
        assert relative_error(getattr(output, field), golden[f'eval.{key}']) < 1e-5, key


def assert_gradients(network, names, prefix):
    """Every stored gradient, and the norms of all."""
    golden, metadata = load(STEP)
    gradients = {name: p.grad for name, p in network.named_parameters()}
    for key, expected in names(part(golden, f'{prefix}.grad.')).items():
        assert relative_error(gradients[key], expected) < 1e-4, key
    norms = names(metadata['scalars'][prefix]['grad_norms'])
    assert set(norms) == set(gradients)
    for key, expected in norms.items():
        norm = 0 if gradients[key] is None else gradients[key].norm().item()
        assert norm == pytest.approx(expected or 0, rel=1e-4, abs=1e-7), key


def assert_losses(prefix, adversarial, output):
    """The three losses; returns the one that is minimised."""
    golden, metadata = load(STEP)
    settings, expected = metadata['loss'], metadata['scalars'][prefix]
    conditioning = d2d_cross_entropy(
        output.embedding,
        output.proxy,
        output.label,
        margin=settings['m_p'],
        temperature=settings['temperature'],
        formula='studiogan',
    )
    loss = adversarial + settings['cond_lambda'] * conditioning
    assert adversarial.item() == pytest.approx(expected['adv'], rel=1e-5)
    assert conditioning.item() == pytest.approx(expected['cond'], rel=1e-5)
    assert loss.item() == pytest.approx(golden[f'{prefix}.loss'].item(), rel=1e-5)
    return loss


def test_a_discriminator_step_is_that_of_the_reference():
    golden, reals = load(STEP)[0], load(DISCRIMINATOR)[0]
    network, label = discriminator().train(), golden['d_step.fake_label']
    with torch.no_grad():
        image = generator().train()(golden['d_step.z'], label, noise='const')
    assert relative_error(image[:1], golden['d_step.fake_image_row0']) < 1e-5
    real, fake = network(reals['image'], reals['label']), network(image, label)
    adversarial = logistic_discriminator(real.logits, fake.logits)
    assert_losses('d_step', adversarial, real).backward()
    assert_gradients(network, convert_discriminator_state, 'd_step')


def test_a_generator_step_is_that_of_the_reference():
    golden = load(STEP)[0]
    network, label = generator().train(), golden['g_step.fake_label']
    image = network(golden['g_step.z'], label, noise='const')
    fake = discriminator().train()(image, label)
    assert_losses('g_step', logistic_generator(fake.logits), fake).backward()
    assert_gradients(network, convert_generator_state, 'g_step')


def test_r1_is_that_of_the_reference():
    golden, reals = load(STEP)[0], load(DISCRIMINATOR)[0]
    network = discriminator().train()
    real = network(reals['image'], reals['label'])
    gan = SimpleNamespace(discriminator=network, iteration=0)
    # the reference's penalty has the half of gamma / 2 inside
    technique = R1(weight=1.0)
    image = reals['image'].requires_grad_()
    shown = Shown('discriminator', image, reals['label'], image, reals['label'])
    judged = Judged(real, real, image, reals['label'], image, shown)
    terms = technique.discriminator_penalties(judged, gan)
    assert relative_error(terms['loss_r1'], golden['r1.value']) < 1e-5
    terms['loss_r1'].backward()
    assert_gradients(network, convert_discriminator_state, 'r1')


def test_path_lengths_are_those_of_the_reference():
    golden, metadata = load(STEP)
    settings = metadata['scalars']['pl']
    network, ws = generator().train(), golden['pl.ws'].clone().requires_grad_()
    technique = PathLength(weight=settings['pl_weight'], decay=settings['pl_decay'])
    image = network.synthesis(ws, noise='const')
    lengths = path_lengths(image, ws, golden['pl.noise_before_scaling'])
    penalty = technique.weight * technique.penalty(lengths)
    assert relative_error(technique.mean, golden['pl.mean_after']) < 1e-5
    assert relative_error(penalty, golden['pl.value']) < 1e-5
    penalty.backward()
    assert_gradients(network, convert_generator_state, 'pl')


NETWORKS = {
    'generator': (GENERATOR, convert_generator_state),
    'discriminator': (DISCRIMINATOR, convert_discriminator_state),
}


@pytest.mark.parametrize('network', NETWORKS)
def test_no_two_names_become_one(network):
    file, names = NETWORKS[network]
    entries = part(load(file)[0], 'state.')
    assert len(names(entries)) == len(entries)


@pytest.mark.parametrize('architecture', ['resnet', 'skip'])
def test_names_of_the_other_architectures_are_known(architecture):
    backbone = StyleGAN2Discriminator(size=16, architecture=architecture, **OPTIONS)
    every = {
        'resnet': ['fromrgb', 'skip', 'conv0', 'conv1'],
        'skip': ['fromrgb', 'conv0', 'conv1'],
    }[architecture]
    keys = ['b4.conv.weight', 'b4.conv.bias', 'b4.conv.resample_filter']
    keys += ['b4.fc.weight', 'b4.fc.bias']
    if architecture == 'skip':
        keys += [f'b4.fromrgb.{k}' for k in ('weight', 'bias', 'resample_filter')]
    for side in (16, 8):
        keys.append(f'b{side}.resample_filter')
        for layer in every:
            if layer == 'fromrgb' and architecture == 'resnet' and side != 16:
                continue
            keys += [f'b{side}.{layer}.weight', f'b{side}.{layer}.resample_filter']
            keys += [] if layer == 'skip' else [f'b{side}.{layer}.bias']
    ours = convert_discriminator_state(dict.fromkeys(keys))
    assert set(ours) == {f'backbone.{name}' for name in backbone.state_dict()}
