import pytest
import torch
from sampled_generators import made

from reacgan_plugin.evaluation.quantise import to_uint8
from reacgan_plugin.evaluation.sampling import draw_z
from reacgan_plugin.sampling.drawing import draw, draw_batches

LABEL = torch.tensor([0, 1, 2, 0, 1])
SEEDS = [5, 0, 9, 3, 2**32 - 1]


@pytest.mark.parametrize('family', ['biggan', 'stylegan2', 'coded_biggan', 'foreign'])
def test_an_image_depends_on_its_own_class_and_seed_alone(family):
    generator = made(family)
    images = draw(generator, LABEL, SEEDS)
    assert images.dtype == torch.uint8 and images.shape[:2] == (5, 3)
    for row in range(5):
        alone = draw(generator, LABEL[row : row + 1], SEEDS[row : row + 1])
        assert (alone[0].int() - images[row].int()).abs().max() <= 1
    assert not torch.equal(images[0], images[3])


def test_an_image_is_what_the_generator_makes_of_the_seed():
    generator = made('biggan').eval()
    z = draw_z(1, generator.z_dim, 7)
    with torch.no_grad():
        expected = to_uint8(generator(z, torch.tensor([2])))
    assert torch.equal(draw(generator, torch.tensor([2]), [7]), expected)


@pytest.mark.parametrize('batch', [1, 2, 5, 100])
def test_batches_change_nothing(batch):
    generator = made('biggan')
    whole = draw(generator, LABEL, SEEDS)
    parts = list(draw_batches(generator, LABEL, SEEDS, batch=batch))
    assert max(len(part) for part in parts) == min(batch, 5)
    assert (torch.cat(parts).int() - whole.int()).abs().max() <= 1


def test_batches_are_made_as_they_are_asked_for():
    generator, calls = made('foreign'), []
    generator.register_forward_hook(lambda *_: calls.append(1))
    batches = draw_batches(generator, LABEL, SEEDS, batch=2)
    next(batches)
    assert len(calls) == 1


def test_drawing_leaves_the_generator_and_the_gradient_mode_as_they_were():
    generator = made('biggan').train()
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    for _ in draw_batches(generator, LABEL, SEEDS, batch=2):
        assert torch.is_grad_enabled() and generator.training
    after = generator.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_a_generator_without_styles_gets_truncated_z():
    generator, seen = made('foreign'), []
    generator.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    draw(generator, LABEL, SEEDS, truncation=0.3)
    assert 0.2 < seen[0].abs().max() <= 0.3


@pytest.mark.parametrize('family', ['stylegan2', 'coded_stylegan2'])
def test_a_generator_with_styles_gets_psi_and_whole_z(family):
    generator, seen = made(family), []
    hook = generator.register_forward_pre_hook(
        lambda _, args, options: seen.append((args[0], options)), with_kwargs=True
    )
    truncated = draw(generator, LABEL, SEEDS, truncation=0.3)
    hook.remove()
    z, options = seen[0]
    assert options == {'truncation': 0.3} and z.abs().max() > 0.5
    assert not torch.equal(truncated, draw(generator, LABEL, SEEDS))


@pytest.mark.parametrize('truncation', [0, -1.0])
def test_a_truncation_that_is_not_above_zero_raises(truncation):
    with pytest.raises(ValueError, match='truncation=.* out of range'):
        draw(made('foreign'), LABEL, SEEDS, truncation=truncation)
