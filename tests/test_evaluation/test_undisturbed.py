import random

import numpy as np
import pytest
import torch

from reacgan_plugin.data.seeding import undisturbed
from reacgan_plugin.evaluation.repeatable import repeatable


def seed(number: int) -> None:
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def draws() -> tuple:
    return random.random(), np.random.rand(), torch.rand(1)


def test_draws_meanwhile_leave_generators_where_they_were():
    seed(0)
    expected = draws()
    seed(0)
    with undisturbed():
        seed(9)
        draws()
    assert draws() == expected


@pytest.mark.parametrize('before', [(True, False), (False, True)])
def test_algorithms_are_chosen_as_before_afterwards(before):
    cudnn = torch.backends.cudnn
    usual = cudnn.benchmark, cudnn.deterministic
    cudnn.benchmark, cudnn.deterministic = before
    try:
        with pytest.raises(ZeroDivisionError), repeatable():
            assert (cudnn.benchmark, cudnn.deterministic) == (False, True)
            raise ZeroDivisionError
        assert (cudnn.benchmark, cudnn.deterministic) == before
    finally:
        cudnn.benchmark, cudnn.deterministic = usual
