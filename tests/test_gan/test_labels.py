import numpy as np
import pytest
import torch
from tiny_gan import CLASSES, batch, optimizers, plain_gan
from tiny_runs import arguments

from reacgan_plugin.gan.adversarial import Relativistic
from reacgan_plugin.gan.labels import FakeLabels, draw_labels
from reacgan_plugin.gan.randomness import draw_latents
from reacgan_plugin.train import configured, parse_arguments, run, runner_for


def draw(weights=None, **options):
    settings = dict(
        seed=3, iteration=5, updates=2, accumulation=2, micro_batch=4, z_dim=6
    )
    settings.update(num_classes=3, weights=weights, **options)
    return draw_latents(**settings)


def shares(label, count):
    return torch.bincount(label.flatten(), minlength=count) / label.numel()


def test_labels_are_drawn_by_their_weights():
    weights = FakeLabels([1, 0, 3], 3).weights
    _, label = draw(weights, micro_batch=5000)
    expected = torch.tensor([0.25, 0.0, 0.75])
    assert (shares(label, 3) - expected).abs().max() < 0.02
    assert label.dtype == torch.int64
    assert label.shape == (2, 10_000)


def test_without_weights_labels_are_those_that_always_were_drawn():
    random = torch.Generator().manual_seed(7)
    found = draw_labels((2, 3, 4), 9, FakeLabels('uniform', 9).weights, random)
    random.manual_seed(7)
    assert torch.equal(found, torch.randint(9, (2, 3, 4), generator=random))


def test_weights_change_the_labels_and_not_z():
    (z, label), (again, others) = draw(), draw(torch.tensor([0.0, 0.0, 1.0]))
    assert torch.equal(z, again)
    assert (others == 2).all() and not torch.equal(label, others)


@pytest.mark.parametrize('world_size', [2, 4])
def test_ranks_side_by_side_make_the_labels_of_one_process(world_size):
    weights = torch.tensor([0.2, 0.5, 0.3])
    _, alone = draw(weights, micro_batch=4 * world_size)
    ranks = [draw(weights, rank=r, world_size=world_size)[1] for r in range(world_size)]
    micro = [label.unflatten(1, (2, -1)) for label in ranks]
    assert torch.equal(torch.cat(micro, dim=2).flatten(1, 2), alone)


def test_drawing_by_weights_is_a_function_of_seed_and_iteration():
    weights = torch.tensor([0.2, 0.5, 0.3])
    _, first = draw(weights, micro_batch=50)
    torch.rand(3)
    state = torch.get_rng_state()
    assert torch.equal(draw(weights, micro_batch=50)[1], first)
    assert torch.equal(torch.get_rng_state(), state)
    for other in (dict(seed=4), dict(iteration=6)):
        settings = {**dict(seed=3, iteration=5), **other}
        _, label = draw_latents(
            updates=2,
            accumulation=2,
            micro_batch=50,
            z_dim=6,
            num_classes=3,
            weights=weights,
            **settings,
        )
        assert not torch.equal(label, first)


@pytest.mark.parametrize('kind', [list, np.array, torch.tensor])
def test_those_of_the_data_are_its_frequencies(kind):
    labels = FakeLabels('data', 4)
    labels.count(kind([1, 1, 3, 1, 0]))
    assert labels.weights.tolist() == [1, 3, 0, 1]


def test_counting_changes_nothing_where_it_is_not_asked_for():
    for wanted, expected in (('uniform', None), ([1, 2], [1, 2])):
        labels = FakeLabels(wanted, 2)
        labels.count(None)
        labels.count([0, 0, 1])
        weights = labels.weights
        assert (weights if weights is None else weights.tolist()) == expected


def test_a_model_draws_fakes_as_often_as_the_data_has_them():
    model = plain_gan(fake_labels='data').train()
    model.fake_labels.count([2, 2, 2])
    _, label = model.draw_latents(8)
    assert (label == 2).all()
    model.train_step(batch(8), optimizers(model))
    assert model.to('cpu').state_dict().keys() == plain_gan().state_dict().keys()


def test_a_model_that_was_not_told_of_the_data_says_what_to_do():
    model = plain_gan(fake_labels='data').train()
    with pytest.raises(ValueError, match=r'nobody told.*fake_labels\.count\(dataset'):
        model.train_step(batch(), optimizers(model))


@pytest.mark.parametrize('found', [None, [], [0, 3], [0, -1], [0.5], [[1]]])
def test_labels_that_are_none_raise(found):
    with pytest.raises(ValueError, match='label'):
        FakeLabels('data', 3).count(found)


@pytest.mark.parametrize(
    'wanted', [[1, 2], [1, 2, 3, 4], [1, -1, 1], [0, 0, 0], [1, float('nan'), 1], 3]
)
def test_weights_that_are_none_raise_and_are_shown(wanted):
    with pytest.raises(ValueError, match='fake_labels=.*a list of 3 weights of 0'):
        plain_gan(fake_labels=wanted)


def test_another_name_raises_with_the_nearest():
    with pytest.raises(ValueError, match="fake_labels='dta'.*did you mean 'data'"):
        plain_gan(fake_labels='dta')


@pytest.mark.parametrize('wanted', ['data', [1.0] * CLASSES])
def test_where_fakes_have_the_labels_of_reals_there_is_nothing_to_draw(wanted):
    with pytest.raises(ValueError, match='no effect: with Relativistic'):
        plain_gan(adversarial_loss=Relativistic(), fake_labels=wanted)
    plain_gan(adversarial_loss=Relativistic())


def test_a_run_takes_the_frequencies_of_its_data_set(tmp_path):
    words = arguments(tmp_path, model__fake_labels='data')
    config, _ = configured(parse_arguments(words))
    runner = runner_for(config).from_cfg(config)
    runner.prepare()
    counts = np.bincount(runner.train_loop.dataset.labels, minlength=10)
    assert runner.model.fake_labels.weights.tolist() == counts.tolist()
    assert len(set(counts)) > 1


def test_a_run_whose_weights_are_too_few_is_refused_with_a_line(tmp_path, capsys):
    assert run(arguments(tmp_path, model__fake_labels='[1,2]')) == 2
    error = capsys.readouterr().err
    assert 'fake_labels=' in error and 'a list of 10 weights' in error
    assert error.count('\n') == 1
