"""Exact accumulation: micro-batches whose gradient is that of the whole batch."""

from copy import deepcopy

import pytest
import torch
from parallel_gans import CODES
from tiny_gan import (
    NETWORKS,
    PlainBackbone,
    batch,
    biggan,
    changed,
    gradients,
    latents,
    optimizers,
    plain_gan,
    state,
)
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils import spectral_norm as old_spectral_norm

from reacgan_plugin.backbones import StyleGAN2Discriminator, StyleGAN2Generator
from reacgan_plugin.conditioning import (
    AC,
    ADC,
    MD,
    MH,
    PD,
    SPD,
    TAC,
    ConditionalContrastiveLoss,
    D2DCELoss,
    HypersphereHead,
    Info,
    Unconditional,
)
from reacgan_plugin.gan import accumulation
from reacgan_plugin.gan.adversarial import Relativistic
from reacgan_plugin.layers.modes import singular_vectors
from reacgan_plugin.techniques import R1

ROWS, PARTS = 12, 4
D2DCE = dict(type='D2DCE', embed_dim=4)
METHODS = {
    'D2DCE': lambda: plain_gan(D2DCELoss(embed_dim=4)),
    '2C': lambda: plain_gan(ConditionalContrastiveLoss(embed_dim=4)),
    'AC': lambda: plain_gan(AC(normalize='both')),
    'PD': lambda: plain_gan(PD()),
    'SPD': lambda: plain_gan(SPD()),
    'MD': lambda: plain_gan(MD()),
    'MH': lambda: plain_gan(MH()),
    'Unconditional': lambda: plain_gan(Unconditional()),
    'TAC': lambda: plain_gan(TAC(D2DCE)),
    'ADC': lambda: plain_gan(ADC(D2DCE)),
    'Info': lambda: plain_gan(Info(D2DCELoss(embed_dim=4), **CODES)),
    'relativistic': lambda: plain_gan(AC(), adversarial_loss=Relativistic()),
    'R1': lambda: plain_gan(D2DCELoss(embed_dim=4), techniques=[R1(weight=5.0)]),
    'joint': lambda: plain_gan(D2DCELoss(embed_dim=4), discriminator_passes='joint'),
}


def rows_of(
    update: str, size: int = 8, rows: int = ROWS, dtype: torch.dtype = torch.float64
) -> tuple:
    """Arguments of an update."""
    data, (z, label) = batch(rows, size), latents(rows)
    image, z = data['image'].to(dtype), z.to(dtype)
    if update == 'discriminator':
        return image, data['label'], z, label
    return z, label, image, data['label']


def updated(model, update: str, *, parts: int = PARTS, mode: str = 'exact', **sizes):
    """Gradients and terms after one update of a copy, and the copy; in float64, where
    agreement is no matter of rounding."""
    torch.manual_seed(1)
    model = deepcopy(model).to(sizes.get('dtype', torch.float64))
    model.accumulation, model.accumulation_mode = parts, mode
    rows = rows_of(update, **sizes)
    if update == 'discriminator':
        terms = model.update_discriminator(*rows, optimizers(model, lr=0))
    else:
        z, label, image, image_label = rows
        still = optimizers(model, lr=0)
        terms = model.update_generator(z, label, still, image, image_label)
    return {**gradients(getattr(model, update)), **terms}, model


def same(found: dict, expected: dict, tolerance: float = 1e-9) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        scale = value.abs().max().clamp_min(1e-3)
        error = (found[name] - value).abs().max() / scale
        assert error <= tolerance, f'{name}: {error}'


@pytest.mark.parametrize('update', NETWORKS)
@pytest.mark.parametrize('name', METHODS)
def test_the_gradient_is_that_of_one_batch(name, update):
    model = METHODS[name]()
    at_once, _ = updated(model, update, parts=1)
    found, _ = updated(model, update)
    same(found, at_once)


@pytest.mark.parametrize('name', ['D2DCE', '2C', 'TAC', 'ADC'])
def test_the_gradient_is_not_that_of_plain_accumulation(name):
    model = METHODS[name]()
    at_once, _ = updated(model, 'discriminator', parts=1)
    with pytest.raises(AssertionError):
        same(updated(model, 'discriminator', mode='plain')[0], at_once)


class GatedHead(HypersphereHead):
    """Proxies that depend on the features, too, through a gate that is shut at first:
    rows of a class are equal, and their gradients are not."""

    def __init__(self, in_channels, *args, **options):
        super().__init__(in_channels, *args, **options)
        self.gate = nn.Parameter(torch.zeros(()))
        self.adapter = nn.Linear(in_channels, 4)

    def judge(self, output, fake):
        shifted = self.proxies(output.label) + self.gate * self.adapter(output.features)
        output = super().judge(output, fake)
        return output._replace(proxy=nn.functional.normalize(shifted))


class Gated(D2DCELoss):
    head_class = GatedHead


def test_equal_proxies_with_other_gradients_count_one_by_one():
    model = plain_gan(Gated(embed_dim=4))
    at_once, _ = updated(model, 'discriminator', parts=1)
    assert at_once['head.gate'].abs() > 0
    same(updated(model, 'discriminator')[0], at_once)


@pytest.mark.parametrize('name, expected', [('D2DCE', True), ('TAC', False)])
def test_the_head_says_whether_proxies_are_of_classes_alone(
    monkeypatch, name, expected
):
    said, own = [], accumulation.row_gradients

    def recorded(tree, *, class_proxies):
        said.append(class_proxies)
        return own(tree, class_proxies=class_proxies)

    monkeypatch.setattr(accumulation, 'row_gradients', recorded)
    updated(METHODS[name](), 'discriminator')
    assert said == [expected]


def batch_norms_in_evaluation(model):
    for part in model.generator.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.eval()
            part.train = lambda mode=True, part=part: part
    return model


@pytest.mark.parametrize('update', NETWORKS)
def test_biggan_with_spectral_norm_and_attention_agrees_too(update):
    model = batch_norms_in_evaluation(biggan(D2DCELoss(embed_dim=4)))
    for network in (model.generator, model.discriminator):
        assert singular_vectors(network)
    at_once, reference = updated(model, update, parts=1, size=32)
    found, copy = updated(model, update, size=32)
    same(found, at_once)
    # as many power iterations as one batch takes, in both networks
    assert changed(state(model.discriminator), copy.discriminator)
    for name in NETWORKS:
        same(state(getattr(copy, name)), state(getattr(reference, name)))


@pytest.mark.parametrize('update', NETWORKS)
def test_stylegan2_agrees_too(update):
    generator = StyleGAN2Generator(
        size=8, num_classes=3, z_dim=4, w_dim=6, channel_base=32, mapping_layers=2
    )
    backbone = StyleGAN2Discriminator(size=8, channel_base=32, stddev_group=1)
    model = plain_gan(D2DCELoss(embed_dim=4), generator, techniques=[R1()])
    model.discriminator.backbone = backbone
    model.discriminator.head = model.loss.build_head(
        backbone.out_channels, 3, layers=backbone.head_layers
    )
    results = [updated(model, update, parts=parts)[0] for parts in (PARTS, 1)]
    # of noise, which is drawn in another order; its strength is zero at first
    found, at_once = (
        {k: v for k, v in result.items() if 'noise_strength' not in k}
        for result in results
    )
    same(found, at_once)


class InMicroBatches(nn.Module):
    """A generator that takes a batch in pieces, each with statistics of its own."""

    def __init__(self, generator, parts: int):
        super().__init__()
        self.generator, self.parts, self.z_dim = generator, parts, generator.z_dim

    def forward(self, z, label):
        pieces = zip(z.chunk(self.parts), label.chunk(self.parts), strict=True)
        return torch.cat([self.generator(*piece) for piece in pieces])


def test_batch_statistics_are_those_of_a_micro_batch_and_count_once():
    model = biggan(D2DCELoss(embed_dim=4))
    model.generator = biggan(spectral_norm=False).generator
    reference = deepcopy(model)
    reference.generator = InMicroBatches(reference.generator, PARTS)
    expected, at_once = updated(reference, 'generator', parts=1, size=32)
    found, copy = updated(model, 'generator', size=32)
    same(found, {k.removeprefix('generator.'): v for k, v in expected.items()})
    same(state(copy.generator), state(at_once.generator.generator))
    running = [name for name in state(copy.generator) if 'running_mean' in name]
    assert set(running) <= changed(state(model.generator), copy.generator)


class Normed(PlainBackbone):
    """A backbone under spectral norms of torch's own."""

    def __init__(self, norm):
        super().__init__()
        self.conv = norm(self.conv)


@pytest.mark.parametrize('norm', [old_spectral_norm, parametrizations.spectral_norm])
def test_spectral_norms_of_torch_iterate_as_in_one_batch(norm):
    torch.manual_seed(0)
    model = plain_gan(D2DCELoss(embed_dim=4))
    model.discriminator.backbone = Normed(norm)
    for update in NETWORKS:
        at_once, reference = updated(model, update, parts=1)
        found, copy = updated(model, update)
        same(found, at_once)
        same(state(copy.discriminator), state(reference.discriminator))


class Dropped(PlainBackbone):
    """A backbone with randomness, which keeps what it gave."""

    def __init__(self):
        super().__init__()
        self.given = []

    def forward(self, image):
        features = nn.functional.dropout(super().forward(image), 0.5)
        self.given.append(features.detach().clone())
        return features


def test_randomness_repeats_and_then_goes_on():
    model = plain_gan(AC())
    model.discriminator.backbone = backbone = Dropped()
    model.accumulation, model.accumulation_mode = PARTS, 'exact'
    torch.manual_seed(0)
    rows = rows_of('discriminator')
    model.double().update_discriminator(*rows, optimizers(model, lr=0))
    after = torch.get_rng_state()
    first, again = backbone.given[: 2 * PARTS], backbone.given[2 * PARTS :]
    assert len(again) == 2 * PARTS
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one, other)
    assert not torch.equal(first[0] == 0, first[2] == 0)  # each part has its own
    torch.manual_seed(0)
    for image in [rows[0][:3]] * 2 * PARTS:
        nn.functional.dropout(backbone.conv(image).mean((2, 3)), 0.5)
    assert torch.equal(after, torch.get_rng_state())


def test_mixed_precision_agrees_within_its_own_precision():
    model = biggan(D2DCELoss(embed_dim=4), amp='bf16')
    model = batch_norms_in_evaluation(model)
    sizes = dict(size=32, dtype=torch.float32)
    at_once, _ = updated(model, 'discriminator', parts=1, **sizes)
    found, _ = updated(model, 'discriminator', **sizes)
    same(found, at_once, tolerance=0.05)


def test_a_failure_leaves_the_model_as_it_was(monkeypatch):
    model = METHODS['D2DCE']()
    model.accumulation, model.accumulation_mode = PARTS, 'exact'
    before = model.passes

    def broken(*args):
        raise RuntimeError('out of memory')

    monkeypatch.setattr(model.loss, 'unweighted', broken)
    with pytest.raises(RuntimeError, match='out of memory'):
        model.double().update_discriminator(
            *rows_of('discriminator'), optimizers(model)
        )
    assert type(model.passes) is type(before)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="accumulation_mode='exat'.*mean 'exact'"):
        plain_gan(accumulation=2, accumulation_mode='exat')


@pytest.mark.slow
@pytest.mark.parametrize('update', NETWORKS)
def test_2048_samples_in_micro_batches_of_64_are_one_batch(update):
    model = batch_norms_in_evaluation(biggan(D2DCELoss(embed_dim=32)))
    sizes = dict(size=32, rows=2048)
    at_once, _ = updated(model, update, parts=1, **sizes)
    found, _ = updated(model, update, parts=32, **sizes)
    same(found, at_once)


def test_compiled_networks_agree_too():
    model = plain_gan(D2DCELoss(embed_dim=4), compile=dict(backend='aot_eager'))
    plain = plain_gan(D2DCELoss(embed_dim=4))
    plain.load_state_dict(model.state_dict())
    rows = rows_of('discriminator', dtype=torch.float32)
    results = []
    for one, parts in ((plain, 1), (model, PARTS)):
        one.accumulation, one.accumulation_mode = parts, 'exact'
        one.update_discriminator(*rows, optimizers(one, lr=0))
        results.append(gradients(one.discriminator))
    same(results[1], results[0], tolerance=1e-4)
