from contextlib import nullcontext

import pytest
import torch
from golden_files import load, relative_error
from judging import judged_by_discriminator
from test_gan.test_exact_accumulation import same, updated
from test_gan.test_waiting import step_without_values
from tiny_gan import batch, latents, optimizers, plain_gan
from tiny_methods import METHODS

from reacgan_plugin.conditioning import MH, DiscriminatorOutput
from reacgan_plugin.functional.lecam import lecam as penalty_of
from reacgan_plugin.gan.technique import Judged
from reacgan_plugin.techniques import lecam
from reacgan_plugin.techniques.lecam import LeCam


class At:
    """Of the model, all that matters: which iteration it is."""

    def __init__(self, iteration=0):
        self.iteration = iteration


def judged(real, fake):
    """What the discriminator says, as far as it matters here."""
    label = torch.zeros(len(real), dtype=torch.long)
    features = torch.zeros(len(real), 1)
    return Judged(*(DiscriminatorOutput(x, features, label) for x in (real, fake)))


def test_averages_and_penalties_are_those_of_the_reference():
    golden, metadata = load('regularisers')
    settings = metadata['scalars']['lecam']
    start = settings['start_iter']
    technique = LeCam(weight=1.0, decay=settings['decay'], start=start)
    rows = zip(
        golden['lecam.real_logits'], golden['lecam.fake_logits'], strict=True
    )  # of iterations
    for iteration, (real, fake) in enumerate(rows):
        real, fake = real.clone().requires_grad_(), fake.clone().requires_grad_()
        terms = technique.discriminator_terms(judged(real, fake), At(iteration))
        *averages, penalty = golden['lecam.trace'][iteration]
        assert relative_error(technique.averages, torch.stack(averages)) < 1e-5
        assert (terms != {}) == (iteration >= start)
        if terms:
            assert relative_error(terms['loss_lecam'], penalty) < 1e-5
    terms['loss_lecam'].backward()
    assert relative_error(real.grad, golden['lecam.last_grad_real']) < 1e-4
    assert relative_error(fake.grad, golden['lecam.last_grad_fake']) < 1e-4


def test_the_first_batch_makes_the_averages_whenever_it_comes():
    technique = LeCam(decay=0.9)
    terms = technique.discriminator_terms(
        judged(torch.tensor([3.0, 5.0]), torch.tensor([-1.0, 0.0])), At(700)
    )
    assert technique.averages.tolist() == [4, -0.5]
    assert terms['loss_lecam'] > 0
    technique.discriminator_terms(judged(torch.ones(2), torch.ones(2)), At(701))
    assert torch.allclose(technique.averages, torch.tensor([3.7, -0.35]))


def test_updates_of_an_iteration_move_the_averages_one_after_the_other():
    technique = LeCam(decay=0.5, start=0)
    for mean in (0.0, 2.0, 2.0):
        logits = torch.full((3,), mean)
        technique.discriminator_terms(judged(logits, -logits), At(0))
    assert technique.averages.tolist() == [1.5, -1.5]


def test_a_step_logs_the_penalty_from_its_start_on_and_pays_for_it():
    model = plain_gan(techniques=[LeCam(weight=2.0, start=1)], d_updates=2)
    outputs = [model.train_step(batch(), optimizers(model)) for _ in range(3)]
    assert ['d/loss_lecam' in terms for terms in outputs] == [False, True, True]
    names = ('loss_adversarial', 'loss_conditioning', 'loss_lecam')
    total = sum(outputs[-1][f'd/{name}'] for name in names)
    assert torch.isclose(outputs[-1]['d/loss'], total)
    assert not any('lecam' in name for name in outputs[-1] if name.startswith('g/'))


def test_of_multi_hinge_the_realness_is_compared():
    technique = LeCam(weight=2.0)
    model = plain_gan(MH(), techniques=[technique])
    found = judged_by_discriminator(model, batch(), *latents())
    assert found.real.logits.ndim == 2
    terms = technique.discriminator_terms(found, model)
    real, fake = found.real.realness, found.fake.realness
    expected = 2 * penalty_of(real, fake, real.mean(), fake.mean())
    assert torch.isclose(terms['loss_lecam'], expected)


@pytest.mark.parametrize('name', METHODS)
def test_every_conditioning_trains_with_it(name):
    technique = LeCam(decay=1.0)
    technique.averages.copy_(torch.tensor([5.0, -5.0]))
    technique.begun.fill_(1)
    model = plain_gan(METHODS[name](spectral_norm=False), techniques=[technique])
    terms = model.train_step(batch(), optimizers(model))
    assert all(term.isfinite() for term in terms.values())
    assert terms['d/loss_lecam'] > 0


def test_the_averages_survive_the_state_dict():
    technique, other = LeCam(decay=0.5), LeCam(decay=0.5)
    logits = torch.tensor([1.0, 3.0])
    technique.discriminator_terms(judged(logits, -logits), At())
    other.load_state_dict(technique.state_dict())
    assert other.averages.tolist() == [2, -2]
    other.discriminator_terms(judged(torch.zeros(2), torch.zeros(2)), At())
    assert other.averages.tolist() == [1, -1]


def test_the_averages_are_those_of_all_processes(monkeypatch):
    others = torch.tensor([[7.0, -9.0]])
    monkeypatch.setattr(lecam, 'default_group', lambda: 'everybody')
    monkeypatch.setattr(
        lecam,
        'gather_rows',
        lambda rows, group: torch.cat([rows, others]) if group else rows,
    )
    technique = LeCam(weight=1.0)
    real, fake = torch.tensor([1.0, 5.0]), torch.tensor([-1.0, -5.0])
    terms = technique.discriminator_terms(judged(real, fake), At())
    assert technique.averages.tolist() == [5, -6]
    # of its own rows: 7, 11 above -6 and 6, 10 below 5
    assert terms['loss_lecam'] == (49 + 121) / 2 + (36 + 100) / 2


def test_exact_accumulation_averages_over_the_whole_batch():
    model = plain_gan(techniques=[LeCam(weight=3.0)])
    at_once, reference = updated(model, 'discriminator', parts=1)
    found, copy = updated(model, 'discriminator')
    same(found, at_once)
    (ours,), (theirs,) = copy.techniques, reference.techniques
    assert torch.allclose(ours.averages, theirs.averages)
    assert 'loss_lecam' in found


def test_a_step_asks_the_device_for_no_value(monkeypatch):
    # the meta device has no autocast, not even to be switched off
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    assert 'd/loss_lecam' in step_without_values(plain_gan(techniques=[LeCam()]))


@pytest.mark.parametrize(
    'options', [dict(weight=0), dict(decay=0), dict(decay=1.5), dict(start=-1)]
)
def test_settings_out_of_range_raise(options):
    (name,) = options
    with pytest.raises(ValueError, match=f'{name}=.* is out of range'):
        LeCam(**options)


def test_its_settings_are_shown():
    assert repr(LeCam(start=5)) == 'LeCam(weight=0.3, decay=0.99, start=5)'
