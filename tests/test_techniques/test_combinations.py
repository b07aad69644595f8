"""Techniques with conditionings, alone and together: 20 iterations on real digits.
Every pair is slow; a sample of them, drawn once and for all, is not."""

import pytest
import technique_cases
import torch
from forks import results_of, run_forks
from technique_cases import ALONE, TECHNIQUES, built, combinations, trained
from tiny_gan import NETWORKS, changed
from tiny_methods import METHODS

PAIRS = combinations(20, size=2, seed=8)  # every technique at least twice
MORE = combinations(60, size=3, seed=8)
ON_TWO = [case for case in PAIRS if 'ZeroCentredEmbedding' not in case[1]][:1]
EMBEDDED = ('D2DCE', '2C')


def refused(case) -> str | None:
    """What is said of a case that makes no sense."""
    method, names = case
    if 'ZeroCentredEmbedding' in names and not any(e in method for e in EMBEDDED):
        return 'gives no embedding; allowed: D2DCE and 2C'
    views = 'ConsistencyRegularisation', 'BalancedConsistencyRegularisation'
    if set(views) <= set(names):
        return 'reals would count twice'
    return None


def assert_trains_or_is_refused(case):
    message = refused(case)
    if message:
        with pytest.raises(ValueError, match=message):
            trained(case)
        return
    before = built(case)
    state, terms = trained(case)
    for name, value in {**state, **terms}.items():
        assert value.isfinite().all(), name
    moved = {name.split('.')[0] for name in changed(state, before)}
    assert moved >= set(NETWORKS)


def identity(case) -> str:
    method, names = case
    return f'{method}: {" + ".join(names)}'


def test_the_sample_has_every_technique():
    assert {name for _, names in PAIRS for name in names} == set(TECHNIQUES)
    assert len({method for method, _ in PAIRS}) > len(METHODS) / 3


@pytest.mark.parametrize('case', PAIRS, ids=identity)
def test_a_sample_of_pairs_trains(case):
    assert_trains_or_is_refused(case)


@pytest.mark.slow
@pytest.mark.parametrize('case', ALONE, ids=identity)
def test_a_technique_trains_with_a_conditioning(case):
    assert_trains_or_is_refused(case)


@pytest.mark.slow
@pytest.mark.parametrize('case', MORE, ids=identity)
def test_three_techniques_train_together(case):
    assert_trains_or_is_refused(case)


def on_two_processes(cases, folder) -> list[dict]:
    words = ['|'.join((method, *names)) for method, names in cases]
    run_forks('technique_cases.py', *words, folder=folder, timeout=3000)
    return results_of(folder, world=2)


def assert_equal_on_both(cases, folder):
    cases = [case for case in cases if not refused(case)]
    first, second = on_two_processes(cases, folder)
    for case in cases:
        (state, _), (other, _) = first[repr(case)], second[repr(case)]
        for name, value in state.items():
            assert value.isfinite().all(), f'{identity(case)}: {name}'
            assert torch.equal(value, other[name]), f'{identity(case)}: {name}'


def test_two_processes_stay_equal_with_a_pair(tmp_path):
    assert_equal_on_both(ON_TWO, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize('name', TECHNIQUES)
def test_two_processes_stay_equal_with_a_technique(name, tmp_path):
    """R31: penalties among them, with R1 and path lengths."""
    assert_equal_on_both([case for case in ALONE if case[1] == (name,)], tmp_path)


@pytest.mark.slow
def test_two_processes_stay_equal_with_three_techniques(tmp_path):
    assert_equal_on_both(MORE, tmp_path)


def test_digits_are_those_of_the_first_classes():
    images, labels = technique_cases.digits()
    assert images.shape[1:] == (3, 16, 16)
    assert set(labels.tolist()) == {0, 1, 2}
    assert len(labels) >= technique_cases.ITERATIONS * technique_cases.ROWS
    assert (images.amin(), images.amax()) == (-1, 1)
