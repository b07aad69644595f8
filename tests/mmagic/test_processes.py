"""Stock models on two processes are those on one."""

from pathlib import Path

import pytest
import torch
from gloo_worker import CASES, discriminator_gradients
from ranks import run_ranks

HERE = Path(__file__).parent


@pytest.fixture(scope='module')
def on_two(tmp_path_factory):
    folder = tmp_path_factory.mktemp('ranks')
    return run_ranks(str(HERE / 'gloo_worker.py'), world=2, folder=folder)


@pytest.mark.parametrize('case', CASES, ids=' '.join)
def test_gradients_on_two_processes_are_those_of_one(on_two, case):
    alone = discriminator_gradients(*case)
    assert alone
    for rank in on_two:
        assert rank[case].keys() == alone.keys()
        for name, gradient in alone.items():
            scale = gradient.abs().max().clamp_min(1e-6)
            torch.testing.assert_close(
                rank[case][name] / scale, gradient / scale, atol=1e-5, rtol=0
            )
