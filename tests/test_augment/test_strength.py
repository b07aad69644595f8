import pytest
import torch
from ranks import run_ranks

from reacgan_plugin.augment.strength import AdaptiveStrength


def observed(adaptive, *signs, iterations=1, first=0):
    """The mean signs of some iterations in which the same images were seen."""
    means = []
    for iteration in range(first, first + iterations):
        adaptive.observe(torch.tensor(signs) * 3.0)
        means.append(adaptive.update(iteration))
    return means


def test_strength_moves_every_so_many_iterations_by_the_images_seen():
    adaptive = AdaptiveStrength(target=0.5, interval=4, kimg=0.1)
    found = []
    for iteration in range(9):
        observed(adaptive, 1, 1, 1, -1, 1, first=iteration)  # 0.6 on average
        found.append(float(adaptive.strength))
    step = 4 * 5 / 100
    assert found == pytest.approx([0, 0, 0, step, step, step, step, 2 * step, 2 * step])


def test_strength_falls_where_the_mean_sign_is_below_the_target_and_stays_upon_it():
    adaptive = AdaptiveStrength(target=0.5, interval=1, kimg=0.1, strength=0.5)
    observed(adaptive, 1, 1, -1)
    assert adaptive.strength == pytest.approx(0.5 - 3 / 100)
    observed(adaptive, 1, 1, 1, -1)
    assert adaptive.strength == pytest.approx(0.5 - 3 / 100)


def test_all_images_of_the_interval_count_whatever_the_iteration():
    adaptive = AdaptiveStrength(target=0.0, interval=2, kimg=1)
    observed(adaptive, -1, -1, -1)
    for _ in range(2):  # as with two updates, or micro-batches, in an iteration
        adaptive.observe(torch.tensor([1.0, 1]))
    sign = adaptive.update(1)
    assert sign == 1  # of this iteration alone
    assert adaptive.strength == pytest.approx(7 / 1000)


@pytest.mark.parametrize('sign, bound', [(1, 1.0), (-1, 0.0)])
def test_strength_stays_a_probability(sign, bound):
    adaptive = AdaptiveStrength(interval=1, kimg=0.001, strength=0.4)
    observed(adaptive, sign, sign, iterations=3)
    assert adaptive.strength == bound


def test_it_can_get_from_nothing_to_certain_in_its_thousands_of_images():
    adaptive = AdaptiveStrength(interval=4, kimg=0.08)
    observed(adaptive, *[1] * 4, iterations=16)
    assert adaptive.strength == pytest.approx(64 / 80)
    observed(adaptive, *[1] * 4, iterations=4, first=16)
    assert adaptive.strength == pytest.approx(1)


def test_without_a_target_strength_stays_and_signs_are_told():
    adaptive = AdaptiveStrength(target=None, interval=1, strength=0.3)
    assert observed(adaptive, 1, 1, -1, 1) == [0.5]
    assert adaptive.strength == pytest.approx(0.3)


@pytest.mark.parametrize('interval', [1, 3])
def test_an_iteration_without_images_changes_nothing(interval):
    adaptive = AdaptiveStrength(interval=interval, strength=0.37)
    for iteration in range(4):
        assert adaptive.update(iteration) == 0
    assert adaptive.strength == pytest.approx(0.37)


def test_no_number_is_a_sign_of_nothing():
    # half precision overflows now and then, and the step is skipped
    adaptive = AdaptiveStrength(interval=1)
    assert observed(adaptive, float('nan'), float('inf'), -1, 1) == [0.25]
    assert adaptive.strength.isfinite()


def test_strength_and_statistics_survive_the_state_dict():
    torn, whole = (AdaptiveStrength(interval=4, kimg=0.1) for _ in range(2))
    for adaptive in (torn, whole):
        observed(adaptive, 1, 1, 1, iterations=6)
    resumed = AdaptiveStrength(interval=4, kimg=0.1)
    resumed.load_state_dict(torn.state_dict())
    assert set(torn.state_dict()) == {'strength', 'sign_sum', 'sign_count'}
    assert resumed.sign_count == 6
    for adaptive in (resumed, whole):
        observed(adaptive, 1, -1, -1, iterations=2, first=6)
    assert resumed.strength == whole.strength != torn.strength


def test_several_processes_have_the_strength_of_all_their_images(tmp_path):
    first, second = run_ranks('strength_worker.py', world=2, folder=tmp_path)
    one = AdaptiveStrength(target=0.2, interval=2, kimg=0.1)
    for iteration in range(3):
        (sign,) = observed(one, 1, -1, 1, 1, 1, 1, first=iteration)
        expected = {'sign': sign, **one.state_dict()}
        assert first[iteration] == second[iteration] == expected


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(target=-1), 'target=-1 is out of range'),
        (dict(target=1.1), 'target=1.1 is out of range'),
        (dict(interval=0), 'interval=0 is out of range'),
        (dict(kimg=0), 'kimg=0 is out of range'),
        (dict(strength=-0.1), 'strength=-0.1 is out of range'),
        (dict(strength=1.1), 'strength=1.1 is out of range'),
        (dict(strength='0.3'), "strength='0.3' is no number"),
    ],
)
def test_settings_out_of_range_raise(options, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveStrength(**options)
