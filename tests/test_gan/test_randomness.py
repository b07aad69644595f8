import pytest
import torch

from reacgan_plugin.gan.randomness import draw_latents, mixed_seed, seed_iteration


def draw(**options):
    settings = dict(
        seed=3, iteration=5, updates=2, accumulation=2, micro_batch=4, z_dim=6
    )
    return draw_latents(num_classes=7, **{**settings, **options})


def of_all_ranks(world_size, **options):
    return [
        draw(rank=rank, world_size=world_size, **options) for rank in range(world_size)
    ]


def test_shapes_are_those_of_this_ranks_rows():
    z, label = draw(rank=1, world_size=2)
    assert z.shape == (2, 8, 6)
    assert z.dtype == torch.float32
    assert label.shape == (2, 8)
    assert label.dtype == torch.int64


@pytest.mark.parametrize('world_size', [2, 4])
@pytest.mark.parametrize('accumulation', [1, 2])
def test_ranks_side_by_side_make_the_batches_of_one_process(accumulation, world_size):
    alone = draw(accumulation=accumulation, micro_batch=4 * world_size)
    ranks = of_all_ranks(world_size, accumulation=accumulation)
    for whole, *parts in zip(alone, *ranks, strict=True):
        micro = [part.unflatten(1, (accumulation, -1)) for part in parts]
        assert torch.equal(torch.cat(micro, dim=2).flatten(1, 2), whole)


def test_processes_and_accumulation_steps_are_interchangeable():
    accumulated = draw(accumulation=2)
    side_by_side = of_all_ranks(2, accumulation=1)
    for whole, *parts in zip(accumulated, *side_by_side, strict=True):
        assert torch.equal(torch.cat(parts, dim=1), whole)


@pytest.mark.parametrize('other', [dict(seed=4), dict(iteration=6)])
def test_another_seed_or_iteration_draws_something_else(other):
    for first, second in zip(draw(), draw(**other), strict=True):
        assert not torch.equal(first, second)


def test_the_same_seed_and_iteration_draw_the_same_whatever_was_drawn_before():
    first = draw()
    torch.randn(3)
    for one, again in zip(first, draw(), strict=True):
        assert torch.equal(one, again)


def test_updates_of_one_iteration_differ():
    z, label = draw(micro_batch=32)
    assert not torch.equal(z[0], z[1])
    assert not torch.equal(label[0], label[1])


def test_z_is_standard_normal_and_labels_are_uniform():
    z, label = draw(micro_batch=1000)
    assert z.mean().item() == pytest.approx(0, abs=0.03)
    assert z.std().item() == pytest.approx(1, abs=0.03)
    counts = torch.bincount(label.flatten(), minlength=7) / label.numel()
    assert (counts - 1 / 7).abs().max() < 0.03


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    draw()
    assert torch.equal(torch.get_rng_state(), before)


def seeded(*parts):
    seed_iteration(*parts)
    return torch.randn(8)


def test_a_steps_own_draws_are_reproducible():
    first = seeded(3, 5, 1)
    assert torch.equal(seeded(3, 5, 1), first)


@pytest.mark.parametrize('other', [(4, 5, 1), (3, 6, 1), (3, 5, 0), (3, 5, 2)])
def test_a_steps_own_draws_differ_by_seed_iteration_and_rank(other):
    assert not torch.equal(seeded(3, 5, 1), seeded(*other))


def test_mixed_seeds_are_distinct_and_fit_torch():
    seeds = {
        mixed_seed(seed, iteration, rank)
        for seed in range(4)
        for iteration in range(8)
        for rank in range(4)
    }
    assert len(seeds) == 4 * 8 * 4
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert mixed_seed(1, 2) != mixed_seed(2, 1)


def test_the_first_rank_does_not_draw_the_latents_again():
    z, _ = draw()
    seed_iteration(3, 5, 0)
    assert not torch.equal(torch.randn(2, 8, 6), z)
