import pytest
import torch
from distributions import assert_distributed, assert_each_as_often
from distributions import normal as normal_distribution
from distributions import uniform as uniform_distribution

from reacgan_plugin.augment.matrices import scale_by
from reacgan_plugin.augment.transformation import (
    Transformation,
    either_side,
    gated,
    names_of,
    normal,
    uniform,
    whole,
)

MANY = torch.zeros(20000, 1)


@pytest.mark.parametrize('width', [(), (3,)])
@pytest.mark.parametrize('probability', [0.0, 0.3, 1.0])
def test_a_row_is_kept_with_the_probability_and_whole(width, probability):
    numbers = torch.ones(10000, *width)
    kept = gated(numbers, torch.tensor(probability)).view(10000, -1)
    assert torch.equal(kept, kept[:, :1].expand_as(kept))
    assert abs(kept.mean() - probability) < 0.02
    if probability in (0, 1):
        assert (kept == probability).all()


def test_numbers_are_drawn_as_their_names_say_in_the_type_of_the_images():
    assert_distributed(uniform(MANY), uniform_distribution(0, 1))
    assert_distributed(either_side(MANY), uniform_distribution(-1, 1))
    assert_distributed(normal(MANY), normal_distribution(1.0))
    assert_each_as_often(whole(MANY, 4), [0, 1, 2, 3])
    for draw in (uniform, either_side, normal):
        assert draw(MANY[:2].double(), 5).shape == (2, 5)
        assert draw(MANY[:2].double()).dtype == torch.float64
    assert whole(MANY[:2].double(), 3).dtype == torch.float64


def test_a_transformation_happens_to_some_samples_by_a_chance_of_its_own():
    doubled = Transformation(
        'doubled',
        lambda x: torch.ones(len(x)),
        lambda log2: scale_by(log2[:, None].exp2()),
        chance=lambda p: p / 2,
    )
    matrices = doubled.matrix_for(MANY, torch.tensor(0.8))
    assert set(matrices[:, 0, 0].tolist()) == {1, 2}
    assert abs((matrices[:, 0, 0] == 2).float().mean() - 0.4) < 0.02


def test_names_come_once_each_in_order():
    steps = [Transformation(name, None, None) for name in ('b', 'a', 'b')]
    assert names_of(steps) == ('b', 'a')
