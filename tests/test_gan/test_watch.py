"""Steps that are watched: what is not finite is named, and kept from the weights."""

import pytest
import torch
from guard_faults import spoil_term
from mmengine.optim import OptimWrapper, OptimWrapperDict
from scaled_wrapper import ScaledOnCPU
from tiny_gan import NETWORKS, batch, biggan, changed, plain_gan, state

from reacgan_plugin.gan.scaling import Steps
from reacgan_plugin.gan.watch import Finding, Watch, WatchedSteps
from reacgan_plugin.techniques import R1

LOSS = {name: torch.tensor(1.0) for name in ('loss', 'loss_x', 'logit')}
OPTIMIZERS = {
    'fused': lambda p: torch.optim.Adam(p, 1e-2, fused=True),
    'plain': lambda p: torch.optim.RMSprop(p, 1e-2),
}


def wrapped(model, kind='fused', **options) -> OptimWrapperDict:
    return OptimWrapperDict(
        **{
            name: OptimWrapper(
                OPTIMIZERS[kind](getattr(model, name).parameters()), **options
            )
            for name in NETWORKS
        }
    )


def watched(loss=None, **options):
    torch.manual_seed(0)
    model = plain_gan(loss, **options)
    model.steps = WatchedSteps(model)
    return model


def spoil_gradient(parameter, factor=torch.nan):
    return parameter.register_hook(lambda gradient: gradient * factor)


def norms(**values) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in values.items()}


def test_nothing_is_found_where_all_is_finite():
    watch = Watch()
    assert watch.found() is None
    assert not watch.see('generator', 0, LOSS, norms(a=1.0, b=0.0))
    assert watch.found() is None


def test_the_first_iteration_is_named_however_late_one_asks():
    watch = Watch()
    bad = {**LOSS, 'loss_x': torch.tensor(torch.inf)}
    watch.see('generator', 5, LOSS, norms(a=1.0, b=1.0))
    assert watch.see('generator', 6, LOSS, norms(a=1.0, b=torch.nan))
    for later in (7, 8):
        watch.see('generator', later, bad, norms(a=torch.nan, b=torch.nan))
    assert watch.found() == Finding(6, 'generator', (), ('b',), 2)
    assert watch.found() is None


def test_of_one_iteration_the_discriminators_update_came_first():
    watch = Watch()
    bad = {**LOSS, 'loss_x': torch.tensor(torch.nan)}
    watch.see('generator', 3, bad, norms(g=1.0))
    watch.see('discriminator', 3, bad, norms(d=1.0))
    assert watch.found() == Finding(3, 'discriminator', ('loss_x',), (), 1)


def test_terms_that_come_only_now_and_then_are_watched():
    watch = Watch()
    watch.see('discriminator', 0, LOSS, norms(d=1.0))
    lazy = {**LOSS, 'loss_r1': torch.tensor(torch.nan)}
    watch.see('discriminator', 1, lazy, norms(d=1.0))
    watch.see('discriminator', 2, LOSS, norms(d=1.0))
    assert watch.found() == Finding(1, 'discriminator', ('loss_r1',), (), 1)


def test_what_is_only_logged_is_no_fault():
    watch = Watch()
    watch.see('generator', 0, {**LOSS, 'logit': torch.tensor(torch.nan)}, norms(g=1.0))
    assert watch.found() is None


def test_watching_asks_the_device_for_no_value():
    on_meta = [{k: v.to('meta') for k, v in d.items()} for d in (LOSS, norms(a=1.0))]
    watch = Watch()
    for iteration in range(2):
        assert watch.see('generator', iteration, *on_meta).is_meta


@pytest.mark.parametrize('kind', OPTIMIZERS)
def test_watched_steps_are_those_of_a_run_that_nobody_watches(kind):
    states = []
    for steps in (lambda gan: Steps(), WatchedSteps):
        torch.manual_seed(0)
        model = biggan(accumulation=2, d_updates=2, ema=dict(decay=0.5))
        model.steps = steps(model)
        optimizers = wrapped(model, kind, clip_grad=dict(max_norm=1.0))
        for _ in range(2):
            model.train_step(batch(8, 32), optimizers)
        states.append({**state(model), **moments(optimizers)})
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name]), name


def moments(optimizers) -> dict[str, torch.Tensor]:
    return {
        f'{network}/{number}/{name}': value.clone()
        for network, wrapper in optimizers.items()
        for number, of_one in wrapper.state_dict()['state'].items()
        for name, value in of_one.items()
    }


@pytest.mark.parametrize('kind', OPTIMIZERS)
@pytest.mark.parametrize('mode', ['plain', 'exact'])
@pytest.mark.parametrize('name', NETWORKS)
def test_an_update_that_is_not_finite_changes_nothing(name, mode, kind):
    model = watched(accumulation=2, accumulation_mode=mode, ema=dict(decay=0.5))
    optimizers = wrapped(model, kind)
    model.train_step(batch(4), optimizers)
    before, kept = state(model), moments(optimizers)
    handle = spoil_gradient(next(getattr(model, name).parameters()))
    outputs = model.train_step(batch(4), optimizers)
    handle.remove()
    moved = {key.split('.')[0] for key in changed(before, model)}
    assert name not in moved and len(moved & set(NETWORKS)) == 1
    after = moments(optimizers)
    assert {key.split('/')[0] for key in kept if not torch.equal(kept[key], after[key])}
    own = [key for key in kept if key.startswith(name)]
    assert all(torch.equal(kept[key], after[key]) for key in own)
    assert outputs[f'{name[0]}/grad_norm'].isnan()
    found = model.steps.watch.found()
    first = next(iter(model.steps.parameters[name]))
    assert (found.iteration, found.network) == (1, name)
    assert (found.terms, found.gradients) == ((), (first,))
    model.train_step(batch(4), optimizers)  # as if nothing had been
    assert model.steps.watch.found() is None
    assert any(key.startswith(name) for key in changed(before, model))
    assert all(v.isfinite().all() for v in state(model).values())


def test_a_fused_optimizer_keeps_no_trace_of_the_flag():
    model = watched()
    optimizers = wrapped(model)
    model.train_step(batch(4), optimizers)
    assert not any(hasattr(w.optimizer, 'found_inf') for w in optimizers.values())


def test_every_update_of_an_iteration_is_watched():
    model = watched(d_updates=2)
    spoil_term(model)  # of the first update, whose terms are not returned
    outputs = model.train_step(batch(8), wrapped(model))
    assert outputs['d/loss'].isfinite()
    assert model.steps.watch.found().terms == ('loss', 'loss_adversarial')
    assert all(v.isfinite().all() for v in state(model).values())


def test_a_weight_that_is_not_finite_is_found_in_what_follows_from_it():
    model = watched()
    with torch.no_grad():
        model.generator.map.weight[0, 0] = torch.nan
    model.train_step(batch(4), wrapped(model))
    found = model.steps.watch.found()
    assert found.network == 'discriminator'
    assert 'loss_adversarial' in found.terms


def test_the_logged_norm_is_torchs():
    model = watched()
    outputs = model.train_step(batch(4), wrapped(model))
    for name in NETWORKS:
        gradients = [p.grad for p in getattr(model, name).parameters()]
        expected = torch.nn.utils.get_total_norm(gradients)
        torch.testing.assert_close(outputs[f'{name[0]}/grad_norm'], expected)


def scaled(model) -> OptimWrapperDict:
    sgd = torch.optim.SGD
    return OptimWrapperDict(
        **{n: ScaledOnCPU(sgd(getattr(model, n).parameters(), 0.1)) for n in NETWORKS}
    )


def test_an_overflow_of_scaled_losses_is_the_scalers_business():
    """R6: it skips, halves and counts; a guard has nothing to say."""
    model = watched()
    optimizers = scaled(model)
    spoil_term(model, torch.inf)
    outputs = model.train_step(batch(4), optimizers)
    assert outputs['d/skipped'] == 1 and outputs['g/skipped'] == 0
    assert optimizers['discriminator'].loss_scaler.get_scale() == 4.0
    assert model.steps.watch.found() is None


def test_norms_of_scaled_gradients_are_logged_unscaled():
    logged = []
    for made in (wrapped, scaled):
        model = watched(techniques=[R1()])
        outputs = model.train_step(batch(4), made(model))
        logged.append(outputs['d/grad_norm'])
    torch.testing.assert_close(*logged)
