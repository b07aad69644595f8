import pytest
import torch
from benchmark_measure import (
    PeakMemory,
    equality,
    largest_difference,
    median_seconds,
    training_step,
)


def test_the_peak_counts_what_is_held_and_forgets_what_is_released():
    existing = torch.zeros(1000)
    with PeakMemory(existing) as memory:
        held = existing + 1
        for _ in range(3):
            existing + 2
        view = held[:10]
    assert view.shape == (10,)
    assert memory.peak == 2 * 1000 * 4


def test_functions_take_turns_and_the_first_turn_does_not_count(monkeypatch):
    calls, clock = [], iter(range(100))
    monkeypatch.setattr('time.perf_counter', lambda: next(clock))
    slow = {'first': 50}

    def a():
        calls.append('a')
        for _ in range(slow.pop('first', 3)):
            next(clock)

    seconds = median_seconds(3, a=a, b=lambda: calls.append('b'))
    assert calls == ['a', 'b'] * 4
    assert seconds == {'a': 4, 'b': 1}


def test_a_step_starts_from_no_gradient():
    leaf = torch.ones(2, requires_grad=True)
    step = training_step(lambda: (3 * leaf).sum(), leaf)
    step()
    step()
    assert leaf.grad.tolist() == [3, 3]


def test_the_largest_difference_is_that_of_the_worst_tensor():
    other = {'a': torch.tensor([3.0, 4.0]), 'b': torch.tensor([100.0])}
    ours = {'a': torch.tensor([3.0, 4.5]), 'b': torch.tensor([101.0])}
    assert largest_difference(ours, other) == pytest.approx(0.1)


def test_equal_tensors_of_zeros_do_not_differ():
    zeros = {'a': torch.zeros(2)}
    assert largest_difference(zeros, zeros) == 0
    assert largest_difference({'a': torch.ones(2)}, zeros) == float('inf')


def test_the_goal_of_equality_is_for_double_precision():
    def gradients(of_double, of_single):
        return {
            torch.float64: {'a': torch.tensor([of_double], dtype=torch.float64)},
            torch.float32: {'a': torch.tensor([of_single])},
        }

    ours, one = gradients(1 + 1e-9, 1.25), gradients(1.0, 1.5)
    exact, rounding = equality('what', ours, one, goal=1e-6)
    assert exact.ratio == pytest.approx(1e-9, rel=1e-3)
    assert exact.verdict == 'met'
    assert rounding.ratio == pytest.approx(0.5)
    assert rounding.verdict == 'no goal'
    assert equality('what', gradients(1.1, 1.25), one, goal=1e-6)[0].verdict == 'missed'
