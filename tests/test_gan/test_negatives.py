import pytest
from tiny_runs import arguments

from reacgan_plugin.batch import Batch
from reacgan_plugin.conditioning import (
    AC,
    ADC,
    MH,
    PD,
    TAC,
    ConditionalContrastiveLoss,
    D2DCELoss,
    Info,
)
from reacgan_plugin.gan.negatives import describe_negatives, describe_weak_signal
from reacgan_plugin.train import run

SHARED = Batch(256, world_size=4, accumulation=2)  # micro-batches of 32


@pytest.mark.parametrize(
    'gather, exact, others',
    [
        (True, False, 127),
        ('uneven', False, 127),
        (False, False, 31),
        (True, True, 255),
        (False, True, 63),
    ],
)
def test_the_number_of_other_samples_is_stated(gather, exact, others):
    said = describe_negatives(D2DCELoss(gather=gather), SHARED, exact)
    assert said.startswith(f'D2DCELoss contrasts each sample with {others} others: ')
    assert ('gather=False' in said) == (gather is False)
    assert ('accumulation_mode' in said) == (not exact)


def test_the_sentence_says_what_the_number_is_made_of():
    """R21: negatives are those of a micro-batch, unless exact ones are asked for."""
    assert describe_negatives(D2DCELoss(), SHARED, True) == (
        'D2DCELoss contrasts each sample with 255 others: micro-batch of 32 x 2 '
        'accumulated x 4 processes, less the sample itself'
    )
    assert describe_negatives(D2DCELoss(gather=False), SHARED, False) == (
        'D2DCELoss contrasts each sample with 31 others: micro-batch of 32, less the '
        "sample itself; the rest of the 256 is left out by accumulation_mode='plain' "
        'and gather=False'
    )


def test_a_run_says_it_before_the_first_step(tmp_path):
    """R21: with accumulation, which makes the batch no larger for the loss."""
    options = dict(total_batch_size=8, model__accumulation=4, train_cfg__max_iters=1)
    assert run(arguments(tmp_path, **options)) == 0
    (log,) = tmp_path.glob('*/*.log')
    before, _, _ = log.read_text().partition('Iter(train)')
    assert 'contrasts each sample with 1 others: micro-batch of 2' in before


@pytest.mark.parametrize('gather', [True, False])
@pytest.mark.parametrize('exact', [True, False])
def test_one_process_without_accumulation_leaves_nothing_out(gather, exact):
    loss = ConditionalContrastiveLoss(gather=gather)
    assert describe_negatives(loss, Batch(64), exact) == (
        'ConditionalContrastiveLoss contrasts each sample with 63 others: micro-batch '
        'of 64, less the sample itself'
    )


@pytest.mark.parametrize('wrapper', [TAC, ADC, lambda method: Info(TAC(method))])
def test_a_wrapper_is_described_by_its_method(wrapper):
    inner = D2DCELoss(gather=False)
    expected = describe_negatives(inner, SHARED, False)
    assert describe_negatives(wrapper(inner), SHARED, False) == expected


@pytest.mark.parametrize('loss', [AC, PD, MH, TAC, ADC, Info])
def test_losses_without_negatives_have_nothing_to_say(loss):
    assert describe_negatives(loss(), SHARED, True) == ''


@pytest.mark.parametrize('loss', [D2DCELoss(), ConditionalContrastiveLoss()])
@pytest.mark.parametrize(
    'total, shares, percent',
    [(1, [0.5, 0.5], '100%'), (4, [0.5, 0.5], '12%'), (64, [1.0], '100%')],
)
def test_a_batch_that_is_often_of_one_class_is_told_of(loss, total, shares, percent):
    said = describe_weak_signal(loss, Batch(total), False, shares)[0]
    assert f'contrasts {total} sample(s) at a time, and {percent} of the time' in said
    assert 'no negatives' in said


def test_few_pairs_of_a_class_are_told_of_where_a_loss_attracts_them():
    shares = [1 / 100] * 100
    said = describe_weak_signal(ConditionalContrastiveLoss(), Batch(8), False, shares)
    assert len(said) == 1
    assert 'of the 8 that it contrasts at a time only 0.28 pair(s)' in said[0]
    # whose samples are attracted by their proxies alone
    assert describe_weak_signal(D2DCELoss(), Batch(8), False, shares) == []


def test_a_batch_with_a_signal_has_nothing_to_say():
    for loss in (D2DCELoss(), ConditionalContrastiveLoss(), AC(), TAC(AC())):
        assert describe_weak_signal(loss, Batch(64), False, [0.1] * 10) == []
    assert describe_weak_signal(AC(), Batch(1), False, [1.0]) == []


@pytest.mark.parametrize(
    'gather, exact, rows', [(True, False, 8), (False, False, 2), (True, True, 16)]
)
def test_samples_that_are_contrasted_together_count(gather, exact, rows):
    batch = Batch(16, world_size=4, accumulation=2)  # micro-batches of 2
    loss = TAC(D2DCELoss(gather=gather))
    (said,) = describe_weak_signal(loss, batch, exact, [0.9, 0.1])
    assert f'contrasts {rows} sample(s)' in said
