import pytest
import torch

from reacgan_plugin.functional.labels import check_label


@pytest.mark.parametrize('dtype', [torch.int64, torch.int32, torch.uint8])
def test_integers_in_range_pass(dtype):
    check_label(torch.tensor([0, 2, 1], dtype=dtype), 3, num_classes=3)


def test_the_range_is_free_without_a_number_of_classes():
    check_label(torch.tensor([0, 1000]), 2)


@pytest.mark.parametrize(
    'label, message',
    [
        (torch.zeros(4), r'float32.*int64'),
        (torch.zeros(4, dtype=torch.bool), r'bool.*int64'),
        (torch.zeros(4, 10, dtype=torch.int64), r'\(4, 10\).*\(4,\).*argmax'),
        (torch.zeros(4, 1, dtype=torch.int64), r'\(4, 1\).*\(4,\).*squeeze'),
        (torch.tensor(1), r'\(\).*\(4,\)'),
        (torch.zeros(5, dtype=torch.int64), '5 entries for 4 samples'),
        (torch.tensor([0, 1, 2, 3]), r'class 3.*0\.\.2'),
        (torch.tensor([0, 1, -1, 2]), r'class -1.*0\.\.2'),
    ],
)
def test_errors_name_what_was_found_and_what_is_allowed(label, message):
    """R34: on the CPU, before an index is out of range."""
    with pytest.raises(ValueError, match=message):
        check_label(label, 4, num_classes=3)


def test_values_off_the_cpu_are_not_read():
    # Meta tensors have no values: reading one would raise.
    check_label(torch.zeros(4, dtype=torch.int64, device='meta'), 4, num_classes=3)
