"""This module is also the program whose forks are the ranks of one of its tests."""

import sys
from contextlib import nullcontext
from functools import partial

import pytest
import torch
import torch._dynamo  # which DDP imports, in the forks of this process
from forks import fork_ranks, results_of, run_forks
from judging import judged_by_discriminator
from test_gan.test_waiting import step_without_values
from tiny_gan import batch, changed, gradients, latents, optimizers, plain_gan, state
from tiny_methods import METHODS
from torch import nn

from reacgan_plugin.conditioning import AC, TAC, D2DCELoss
from reacgan_plugin.distributed import (
    end_process_group,
    rank,
    start_process_group,
    world_size,
)
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.techniques.zero_centred_embedding import ZeroCentredEmbedding

ROWS = 8  # over all processes
OF = ('embedding', 'proxy')
EXACT = dict(accumulation=2, accumulation_mode='exact')
WITH_EMBEDDINGS = [name for name in METHODS if 'D2DCE' in name or '2C' in name]
OTHERS = [name for name in METHODS if name not in WITH_EMBEDDINGS]
CASES = {
    f'{of}, {name}': partial(dict, of=of, **options)
    for of in OF
    for name, options in {'at once': {}, 'accumulated exactly': EXACT}.items()
}


def centred(loss=None, *, of='embedding', weight=5.0, **options):
    technique = ZeroCentredEmbedding(weight=weight, of=of)
    return plain_gan(loss or D2DCELoss(embed_dim=4), techniques=[technique], **options)


def term_of(model):
    judged = judged_by_discriminator(model, batch(), *latents())
    (technique,) = model.techniques
    return judged, technique.discriminator_terms(judged, model)


@pytest.mark.parametrize('of', OF)
def test_the_term_is_the_squared_mean_of_the_reals_unit_rows(of):
    model = centred(of=of, weight=3.0)
    judged, terms = term_of(model)
    rows = getattr(judged.real, of).detach()
    assert torch.allclose(rows.norm(dim=1), torch.ones(4))
    expected = 3 * sum((sum(column) / 4) ** 2 for column in rows.T.tolist())
    (name,) = terms
    assert name == f'loss_zero_centred_{of}'
    assert terms[name].item() == pytest.approx(expected)
    terms[name].backward()
    head = model.discriminator.head
    part = head.projection if of == 'embedding' else head.proxies
    assert all(p.grad.abs().max() > 0 for p in part.parameters() if p.ndim > 1)


@pytest.mark.parametrize('options', [{}, dict(accumulation=2), EXACT])
def test_a_step_logs_the_term_and_pays_for_it(options):
    model = centred(**options)
    terms = model.train_step(batch(), optimizers(model, lr=0.01))
    parts = ('loss_adversarial', 'loss_conditioning', 'loss_zero_centred_embedding')
    assert torch.isclose(terms['d/loss'], sum(terms[f'd/{part}'] for part in parts))
    assert not any('centred' in name for name in terms if name.startswith('g/'))


def test_it_centres_what_it_is_of():
    model = centred(of='proxy', weight=10.0)
    wrappers = optimizers(model, lr=0.1)
    values = [
        model.train_step(batch(3), wrappers)['d/loss_zero_centred_proxy'].item()
        for _ in range(20)
    ]
    assert values[-1] < values[0] / 4


def updated(case: str, own: slice = slice(None)) -> dict[str, torch.Tensor]:
    """The discriminator's gradients of some rows, and the term."""
    torch.manual_seed(0)
    model = centred(**CASES[case]())
    if world_size() > 1:
        model.distribute()
    data, (z, fake_label) = batch(ROWS), latents(ROWS)
    rows = (data['image'], data['label'], z, fake_label)
    still = optimizers(model, lr=0.0)
    terms = model.update_discriminator(*(r[own] for r in rows), still)
    term = {name: value for name, value in terms.items() if 'centred' in name}
    return {**gradients(model.discriminator), **term}


@pytest.fixture(scope='module')
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    assert run_forks(__file__, folder=folder) == 0
    return results_of(folder, world=2)


@pytest.mark.parametrize('case', CASES)
def test_gradients_on_two_processes_are_those_of_one(ranks, case):
    alone = updated(case)
    assert any('centred' in name for name in alone)
    for results in ranks:
        for name, expected in alone.items():
            assert torch.allclose(results[case][name], expected, atol=1e-6), name


@pytest.mark.parametrize('of', OF)
def test_exact_accumulation_centres_the_whole_batch(of):
    at_once, exactly = updated(f'{of}, at once'), updated(f'{of}, accumulated exactly')
    for name, expected in at_once.items():
        assert torch.allclose(exactly[name], expected, atol=1e-6), name


@pytest.mark.parametrize('of', OF)
@pytest.mark.parametrize('name', WITH_EMBEDDINGS)
def test_it_goes_with_every_conditioning_that_has_embeddings(name, of):
    _, terms = term_of(centred(METHODS[name](), of=of))
    assert 0 < terms[f'loss_zero_centred_{of}'] <= 5


@pytest.mark.parametrize('of', OF)
@pytest.mark.parametrize('name', OTHERS)
def test_other_conditionings_are_refused_when_the_model_is_built(name, of):
    with pytest.raises(ValueError, match=f"of='{of}'.* gives no {of}; allowed: D2DCE"):
        centred(METHODS[name](), of=of)


def test_a_discriminator_that_does_not_know_its_width_is_refused_in_the_first_step():
    backbone = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 6))
    for loss, refused in [(D2DCELoss(embed_dim=4), False), (AC(), True)]:
        model = centred()
        model.discriminator = Discriminator(backbone, loss.build_head(6, 3))
        (technique,) = model.techniques
        technique.check(model)
        with pytest.raises(ValueError, match='no embed') if refused else nullcontext():
            term_of(model)


def test_the_check_leaves_no_trace():
    model = centred(TAC(D2DCELoss(embed_dim=4)))
    head = model.discriminator.head.train()
    head.projection.add_module('norm', nn.BatchNorm1d(4))
    head.projection.register_forward_hook(lambda module, _, out: module.norm(out))
    before = state(model)
    random = torch.get_rng_state()
    model.techniques[0].check(model)
    assert changed(before, model) == set()
    assert torch.equal(torch.get_rng_state(), random)
    assert all(module.training for module in head.modules())


def test_means_are_in_float32_whatever_autocast_says():
    model = centred()
    judged, expected = term_of(model)
    half = judged.real._replace(embedding=judged.real.embedding.bfloat16())
    (technique,) = model.techniques
    with torch.autocast('cpu', torch.bfloat16):
        terms = technique.discriminator_terms(judged._replace(real=half), model)
    (value,), (right,) = terms.values(), expected.values()
    assert value.dtype == torch.float32
    assert torch.allclose(value, right, rtol=0.01)


def test_a_step_asks_the_device_for_no_value(monkeypatch):
    # the meta device has no autocast, not even to be switched off
    monkeypatch.setattr(torch, 'autocast', lambda *args, **kwargs: nullcontext())
    assert 'd/loss_zero_centred_embedding' in step_without_values(centred())


def test_settings_that_are_not_allowed_raise():
    with pytest.raises(ValueError, match='weight=0 is out of range; allowed: above 0'):
        ZeroCentredEmbedding(weight=0)
    with pytest.raises(ValueError, match="of='proxies'.*did you mean 'proxy'"):
        ZeroCentredEmbedding(of='proxies')


def test_its_settings_are_shown():
    expected = "ZeroCentredEmbedding(weight=1.0, of='embedding')"
    assert repr(ZeroCentredEmbedding()) == expected


def write_results(folder: str) -> None:
    """What one rank does."""
    torch.set_num_threads(1)
    start_process_group('pytorch')
    share = ROWS // world_size()
    own = slice(rank() * share, (rank() + 1) * share)
    torch.save({case: updated(case, own) for case in CASES}, f'{folder}/{rank()}.pt')
    end_process_group()


if __name__ == '__main__':
    fork_ranks(2, partial(write_results, *sys.argv[1:]))
