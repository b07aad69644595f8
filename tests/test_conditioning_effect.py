"""The conditioning reaches the generator, and teaches it classes."""

import pytest
import torch
from tiny_runs import arguments

from reacgan_plugin.config import load_config
from reacgan_plugin.evaluation.probe import DigitProbe
from reacgan_plugin.evaluation.sampling import as_arrays, draw_z, generate
from reacgan_plugin.evaluation.statistics import within_class_spread
from reacgan_plugin.hooks.probe import images_and_labels
from reacgan_plugin.layers import frozen
from reacgan_plugin.registry import MODELS, build
from reacgan_plugin.sample import load_model
from reacgan_plugin.train import parse_arguments, run

CODES = dict(discrete=1, categories=3, continuous=1)
METHODS = {
    **{kind: dict(type=kind) for kind in ('D2DCE', '2C', 'AC')},
    **{kind: dict(type=kind) for kind in ('PD', 'SPD', 'MD', 'MH', 'Unconditional')},
    **{
        f'{wrapper}({kind})': dict(type=wrapper, method=dict(type=kind))
        for wrapper in ('TAC', 'ADC')
        for kind in ('D2DCE', '2C', 'AC')
    },
    **{
        f'Info({kind})': dict(type='Info', method=dict(type=kind), **CODES)
        for kind in ('D2DCE', 'PD', 'MH', 'Unconditional')
    },
}
WEIGHTS = ('loss_weight', 'generator_weight', 'discrete_weight', 'continuous_weight')
IN_THE_LOGITS = ('PD', 'SPD', 'MD', 'MH')


def _without(model, kind: str) -> None:
    """Zero the conditioning: its weights, or the class where the logits carry it."""
    if kind in IN_THE_LOGITS:
        model.discriminator.head.register_forward_pre_hook(
            lambda head, inputs: (inputs[0], torch.zeros_like(inputs[1]))
        )
        return
    for name in WEIGHTS:
        if hasattr(model.loss, name):
            setattr(model.loss, name, 0.0)
    if kind.startswith(('TAC', 'ADC')):
        model.loss.method.loss_weight = 0.0


def _generator_gradient(tmp_path, kind: str, *, conditioned: bool) -> torch.Tensor:
    """Gradient of a tiny generator's loss; the conditioning may be zeroed."""
    options = parse_arguments(arguments(tmp_path))
    config, _ = load_config(options.config, options.cfg_options)
    torch.manual_seed(0)
    model = build(MODELS, {**config.model, 'loss': METHODS[kind]}).train()
    if not conditioned:
        _without(model, kind)
    z, label = model.draw_latents(16)
    rows = (z[0], label[0])
    if model.needs_real:
        rows += (torch.rand(16, 3, 32, 32) * 2 - 1, torch.arange(16) % 10)
    with frozen(model.discriminator):
        terms = model.generator_terms(*rows)
    sum(v for k, v in terms.items() if k.startswith('loss')).backward()
    gradients = [p.grad.flatten() for p in model.generator.parameters()]
    return torch.cat(gradients)


@pytest.mark.parametrize('kind', [kind for kind in METHODS if kind != 'Unconditional'])
def test_zeroing_the_conditioning_changes_the_generators_gradient(tmp_path, kind):
    with_it = _generator_gradient(tmp_path, kind, conditioned=True)
    without = _generator_gradient(tmp_path, kind, conditioned=False)
    assert without.norm() > 0
    assert (with_it - without).norm() > 1e-5 * without.norm()


def test_unconditional_has_no_conditioning_to_zero(tmp_path):
    with_it = _generator_gradient(tmp_path, 'Unconditional', conditioned=True)
    without = _generator_gradient(tmp_path, 'Unconditional', conditioned=False)
    assert torch.equal(with_it, without)


CHANCE = 0.1
# by when each shows, and what it needs for that beside its defaults
SHOWN = {
    **{kind: (800, []) for kind in ('AC', 'PD', 'SPD', 'MD', 'MH', 'TAC', 'ADC')},
    'D2DCE': (1800, []),
    '2C': (1800, ['model.loss.temperature=0.25', 'model.loss.embed_dim=128']),
}


CONFIGS = {'MH': 'biggan_mhgan_digits.py'}  # which needs more than another loss


def _accuracy(tmp_path, kind: str, iterations: int, options=()) -> float:
    """Share of samples in which a probe sees their class, after the demo's training."""
    words = [
        f'train_cfg.max_iters={iterations}',
        f'model.loss.type={kind}',
        *options,
        'custom_hooks=[]',
    ]
    config = CONFIGS.get(kind, 'biggan_reacgan_digits.py')
    assert run([config, '--work-dir', str(tmp_path), '--cfg-options', *words]) == 0
    model, _ = load_model(str(tmp_path / f'iter_{iterations}.pth'))
    label = torch.arange(10).repeat_interleave(30)
    z = draw_z(len(label), model.generator.z_dim, seed=0)
    images = as_arrays(generate(model, label, z=z))
    assert within_class_spread(images, label.numpy()) > 0
    real, _ = load_config(config)
    probe = DigitProbe(*images_and_labels(real.train_dataloader.dataset))
    return probe.accuracy(images, label.numpy())


@pytest.mark.slow
@pytest.mark.parametrize('kind', SHOWN)
def test_samples_of_the_demo_show_their_class(tmp_path, kind):
    """R20: ADC and TAC among the methods, and samples of a class differ."""
    iterations, options = SHOWN[kind]
    assert _accuracy(tmp_path, kind, iterations, options) >= 3 * CHANCE


@pytest.mark.slow
def test_without_conditioning_samples_show_their_class_no_more_than_by_chance(tmp_path):
    assert _accuracy(tmp_path, 'Unconditional', 800) < 2 * CHANCE
