"""Losses scaled for half precision: an overflow skips one step, and is seen."""

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from tiny_gan import NETWORKS, batch, changed, latents, optimizers, plain_gan, state

from reacgan_plugin.conditioning import D2DCELoss
from reacgan_plugin.gan.optimizers import GANOptimWrapperConstructor
from reacgan_plugin.gan.scaling import IN_A_ROW, Overflow
from reacgan_plugin.techniques import R1


class Scaled(OptimWrapper):
    """mmengine's AmpOptimWrapper as far as the step is concerned, on a CPU."""

    def __init__(self, optimizer, scale: float = 8.0):
        super().__init__(optimizer)
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale=scale)

    def backward(self, loss, **options):
        self.loss_scaler.scale(loss).backward()

    def step(self, **options):
        self.loss_scaler.step(self.optimizer)
        self.loss_scaler.update()


def scaled(model, **options) -> OptimWrapperDict:
    return OptimWrapperDict(
        **{
            name: Scaled(
                torch.optim.SGD(getattr(model, name).parameters(), 0.1), **options
            )
            for name in NETWORKS
        }
    )


def overflowing(network) -> None:
    """Every gradient that reaches the network's first weight is infinite."""
    weight = next(network.parameters())
    weight.register_hook(lambda gradient: gradient * torch.inf)


@pytest.mark.parametrize('mode', ['plain', 'exact'])
def test_scaling_changes_no_update(mode):
    torch.manual_seed(0)
    loss = D2DCELoss(embed_dim=4)
    settings = dict(techniques=[R1()], accumulation=2, accumulation_mode=mode)
    results = []
    for made in (optimizers, scaled):
        torch.manual_seed(0)
        model = plain_gan(loss, **settings)
        model.train_step(batch(4), made(model))
        results.append(state(model))
    for name, value in results[0].items():
        torch.testing.assert_close(results[1][name], value)


@pytest.mark.parametrize('name', NETWORKS)
def test_an_overflow_skips_one_networks_step_and_is_logged(name):
    """R6: the other network goes on, the scale is halved once."""
    model = plain_gan()
    both, before = scaled(model), state(model)
    overflowing(getattr(model, name))
    terms = model.train_step(batch(4), both)
    moved = {key.split('.')[0] for key in changed(before, model)}
    assert name not in moved and len(moved & set(NETWORKS)) == 1
    other = next(n for n in NETWORKS if n != name)
    assert terms[f'{name[0]}/skipped'] == 1 and terms[f'{other[0]}/skipped'] == 0
    assert both[name].loss_scaler.get_scale() == 4.0
    assert both[other].loss_scaler.get_scale() == 8.0


def test_twenty_overflows_in_a_row_end_with_an_error_that_names_the_network():
    """R6: not in silence."""
    model = plain_gan()
    both = scaled(model, scale=2.0**30)
    overflowing(model.discriminator)
    for _ in range(IN_A_ROW - 1):
        model.train_step(batch(4), both)
    with pytest.raises(Overflow, match='20 updates of the discriminator in a row'):
        model.train_step(batch(4), both)


def test_overflows_with_a_step_between_them_end_nothing():
    model = plain_gan()
    both = scaled(model, scale=2.0**60)
    for number in range(2 * IN_A_ROW):
        weight = next(model.discriminator.parameters())
        handle = weight.register_hook(lambda gradient: gradient * torch.inf)
        if number % 10 == 9:
            handle.remove()
        model.train_step(batch(4), both)
        handle.remove()
    overflows = 2 * IN_A_ROW - 4
    assert both['discriminator'].loss_scaler.get_scale() == 2.0 ** (60 - overflows)


def test_a_penalty_trains_on_in_half_precision_and_is_that_of_full_precision():
    """R40: taken in float32, of unscaled gradients."""
    torch.manual_seed(0)
    model = plain_gan(techniques=[R1(weight=5.0)], amp='bf16')
    both = scaled(model, scale=2.0**10)
    rows = (*batch(4).values(), *latents(4))
    for number in range(300):
        terms = model.train_step(batch(4, seed=number), both)
        assert all(value.isfinite() for value in terms.values())
        if number % 50 == 0:
            half = model.discriminator_terms(*rows)['loss_r1'].item()
            model.amp = None
            full = model.discriminator_terms(*rows)['loss_r1'].item()
            model.amp = 'bf16'
            assert half == pytest.approx(full, rel=0.01) and full > 0


def test_optimizers_that_scale_nothing_log_nothing():
    model = plain_gan()
    assert not any(
        'skipped' in k for k in model.train_step(batch(4), optimizers(model))
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU, which can do it')
def test_fp16_without_a_gpu_is_refused():
    model = plain_gan(amp='fp16')
    entry = dict(optimizer=dict(type='Adam', lr=1e-3))
    constructor = GANOptimWrapperConstructor(dict.fromkeys(NETWORKS, entry))
    with pytest.raises(ValueError, match="'fp16' scales losses, which needs a GPU"):
        constructor(model)
