import pytest

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
from reacgan_plugin.gan.negatives import describe_negatives

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
    assert describe_negatives(D2DCELoss(), SHARED, True) == (
        'D2DCELoss contrasts each sample with 255 others: micro-batch of 32 x 2 '
        'accumulated x 4 processes, less the sample itself'
    )
    assert describe_negatives(D2DCELoss(gather=False), SHARED, False) == (
        'D2DCELoss contrasts each sample with 31 others: micro-batch of 32, less the '
        "sample itself; the rest of the 256 is left out by accumulation_mode='plain' "
        'and gather=False'
    )


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
