"""One thread a test process: tests are tiny, and several of them run side by side."""

import os

os.environ.setdefault('OMP_WAIT_POLICY', 'passive')  # read when torch is imported

import pytest  # noqa: E402
import torch  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same global seed."""
    torch.manual_seed(0)
