import pytest
import torch

from reacgan_plugin.sampling.classes import (
    class_folder,
    class_folders,
    class_indices,
    every_class,
    same_classes,
)


def test_classes_go_by_name_before_number():
    assert class_indices(['cat', '1'], ['dog', 'cat'], 2) == [1, 1]
    assert class_indices(None, [], 3) == [0, 1, 2]


@pytest.mark.parametrize(
    'name, message',
    [
        ('cats', "did you mean 'cat'"),
        ('2', r'allowed: 0\.\.1'),
        ('-1', r'allowed: 0\.\.1'),
    ],
)
def test_a_class_that_does_not_exist_raises(name, message):
    with pytest.raises(ValueError, match=message):
        class_indices([name], ['dog', 'cat'], 2)


def test_folders_of_classes_sort_as_their_labels():
    names = ['b', 'a', *'cdefghijklm']
    folders = [class_folder(index, names, 13) for index in range(13)]
    assert folders[:2] == ['00_b', '01_a'] and folders[12] == '12_m'
    assert sorted(folders) == folders


@pytest.mark.parametrize('names', [[], ['0', '1']])
def test_a_folder_without_another_name_is_a_number(names):
    assert class_folder(1, names, 2) == '1'
    assert class_folder(1, names, 1000) == '001'


@pytest.mark.parametrize(
    'name, safe',
    [
        ('../../etc/x', '0_etc_x'),
        ('/', '0'),
        ('..', '0'),
        ('a b\n"c"', '0_a_b_c'),
        ('Bär', '0_Bär'),
        ('x' * 300, '0_' + 'x' * 80),
    ],
)
def test_a_name_out_of_a_checkpoint_cannot_lead_elsewhere(name, safe):
    assert class_folder(0, [name], 1) == safe


@pytest.mark.parametrize('own, others, places', [
    (['bird', 'cat'], ['cat', 'bird'], [1, 0]),
    (['cat', 'dog'], ['bird', 'cat'], None),
    (['cat'], ['cat', 'dog'], None),
    (['0_dog', '1_cat'], ['cat', 'dog'], [1, 0]),  # as samples are written
    (['0_polar_bear', '1_x'], ['polar bear', 'x'], [0, 1]),
    (['00', '01', '02'], ['2', '1', '0'], [2, 1, 0]),
    (['0', '1'], ['0_cat', '1_dog'], [0, 1]),
    (['0_cat', '1_cat'], ['cat', 'dog'], None),
    (['0', '1'], ['cat', 'dog'], None),
    (['0', '00'], ['0', '1'], None),
    ([], ['cat'], None),
])  # fmt: skip
def test_classes_of_two_folders_are_matched_by_name_or_number(own, others, places):
    assert same_classes(own, others) == places


def test_folders_of_samples_match_the_classes_that_they_are_of():
    names = ['dog', 'a b', 'c/d', *'ghijklmno']
    shuffled = sorted(names)
    found = same_classes(class_folders(names, 12), shuffled)
    assert [shuffled[place] for place in found] == names


def test_seeds_count_on_through_the_classes():
    label, seeds = every_class([4, 2], 7, 3)
    assert label.tolist() == [4, 4, 4, 2, 2, 2]
    assert seeds == [7, 8, 9, 10, 11, 12]
    assert label.dtype == torch.int64


def test_every_class_gets_all_seeds_of_a_list():
    label, seeds = every_class([4, 2], [9, 1], 16)
    assert label.tolist() == [4, 4, 2, 2]
    assert seeds == [9, 1, 9, 1]
