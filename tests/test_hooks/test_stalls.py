"""Losses that do not move, and what a discriminator says when it has collapsed."""

import pytest
import torch

from reacgan_plugin.hooks.stalls import Stalls

TERMS = {
    'd/loss': 2.0,
    'd/loss_adversarial': 1.0,
    'g/loss': 0.5,
    'g/loss_adversarial': 0.2,
    'd/logit_real': 1.0,
    'd/logit_fake': -1.0,
}


def iterations(count, begin=0, **fixed):
    """Terms that move in every iteration, but for those that are fixed."""
    for number in range(begin, begin + count):
        terms = {k: v + 0.01 * (1 + number % 7) for k, v in TERMS.items()}
        terms |= {name.replace('_', '/', 1): v for name, v in fixed.items()}
        yield {name: torch.tensor(value) for name, value in terms.items()}


def said(stalls, seen):
    for terms in seen:
        stalls.see(terms)
    return stalls.found()


def test_a_run_whose_losses_move_is_left_alone():
    assert said(Stalls(20), iterations(100)) is None
    assert Stalls().found() is None


def test_a_loss_pinned_for_200_iterations_is_told_once():
    """R10: alarm if losses are constant."""
    stalls = Stalls()
    assert said(stalls, iterations(199, d_loss=13.82)) is None
    words = said(stalls, iterations(1, 199, d_loss=13.82))
    assert words.startswith('d/loss has stayed at 13.82 for 200 iterations')
    assert said(stalls, iterations(300, d_loss=13.82)) is None
    assert said(stalls, iterations(10)) is None
    assert 'd/loss' in said(stalls, iterations(200, d_loss=13.82))


@pytest.mark.parametrize('loss', ['d_loss', 'd_loss_adversarial', 'g_loss'])
def test_any_loss_may_be_the_one(loss):
    assert loss.replace('_', '/', 1) in said(Stalls(5), iterations(5, **{loss: 7.0}))


def test_a_slow_drift_is_not_standing_still():
    stalls = Stalls(50)
    drifting = (
        {**terms, 'd/loss': torch.tensor(1.0 + 4e-6 * number)}
        for number, terms in enumerate(iterations(200))
    )
    assert said(stalls, drifting) is None


def test_a_discriminator_that_has_won_is_told_with_its_logits():
    seen = iterations(
        50,
        d_loss_adversarial=0.0,
        d_logit_real=9.0,
        d_logit_fake=-8.0,
    )
    words = said(Stalls(50), seen)
    assert words.startswith('the discriminator has won')
    assert 'mean logits 9 of real images, -8 of fakes' in words


def test_a_discriminator_that_says_the_same_of_everything_is_told():
    words = said(Stalls(30), iterations(30, d_logit_real=0.1, d_logit_fake=0.1))
    assert 'tells real images and fakes apart no more' in words


def test_values_that_are_no_numbers_count_for_nothing():
    nan = float('nan')
    seen = iterations(30, d_loss=nan, d_loss_adversarial=nan, d_logit_real=nan)
    assert said(Stalls(5), seen) is None


def test_a_word_is_said_when_one_asks_seldom():
    assert said(Stalls(10), iterations(500, g_loss=0.0)).startswith('g/loss ')


@pytest.mark.parametrize('patience', [0, -1, 1.5, '200'])
def test_patience_is_a_whole_number_above_0(patience):
    with pytest.raises(ValueError, match='patience'):
        Stalls(patience)


def test_looking_asks_the_device_for_no_value():
    stalls = Stalls()
    for terms in iterations(3):
        stalls.see({name: value.to('meta') for name, value in terms.items()})
