import pytest
import torch
from tiny_gan import CLASSES, batch, optimizers, plain_gan
from torch import Tensor, nn

from reacgan_plugin.conditioning import DiscriminatorOutput
from reacgan_plugin.gan.technique import Judged
from reacgan_plugin.techniques import PathLength, path_length


class LinearStyles(nn.Module):
    """ws are z and the class, images a linear map of them, so that lengths are known.

    Attributes:
        jacobian: (P, L W) of images of 8 x 8 and two layers of five numbers.
    """

    z_dim, size = 4, 8

    def __init__(self):
        super().__init__()
        self.jacobian = nn.Parameter(torch.randn(3 * 8 * 8, 10) / 8)
        self.shift = nn.Parameter(torch.zeros(5))
        self.register_buffer('calls', torch.zeros(()))
        self.track_running_stats = True
        self.seen = []

    def styles(self, z: Tensor, label: Tensor) -> Tensor:
        self.seen.append((z, label))
        self.calls += self.track_running_stats
        w = torch.cat([z, label[:, None]], dim=1) + self.shift
        return w[:, None].expand(-1, 2, -1)

    def synthesis(self, ws: Tensor) -> Tensor:
        return (ws.flatten(1) @ self.jacobian.T).unflatten(1, (3, 8, 8))

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        return self.synthesis(self.styles(z, label))


def regularised(technique):
    return plain_gan(generator=LinearStyles(), techniques=[technique]).train()


def judged(rows=4):
    """What the discriminator says of fakes, as far as it matters here."""
    z, label = torch.randn(rows, 4), torch.arange(rows) % CLASSES
    return DiscriminatorOutput(torch.zeros(rows), torch.zeros(rows, 6), label, z=z)


def terms_of(technique, model, rows=4):
    fake = judged(rows)
    return technique.generator_penalties(Judged(None, fake), model)


def expected_lengths(jacobian, noise):
    product = noise.flatten(1) @ jacobian / 8  # the root of 8 x 8
    return product.unflatten(1, (2, 5)).square().sum(2).mean(1).sqrt()


@pytest.mark.parametrize('fraction, rows', [(0.5, 2), (1.0, 4), (0.1, 1), (0.6, 3)])
def test_the_penalty_is_that_of_the_lengths_of_the_first_rows(fraction, rows):
    technique = PathLength(weight=3.0, interval=2, decay=0.1, batch_fraction=fraction)
    model = regularised(technique)
    technique.mean.fill_(0.5)
    torch.manual_seed(1)
    fake = judged()
    torch.manual_seed(2)
    penalty = technique.generator_penalties(Judged(None, fake), model)
    torch.manual_seed(2)
    noise = torch.randn(rows, 3, 8, 8)
    ((z, label),) = model.generator.seen
    assert torch.equal(z, fake.z[:rows])
    assert torch.equal(label, fake.label[:rows])
    lengths = expected_lengths(model.generator.jacobian, noise)
    mean = 0.9 * 0.5 + 0.1 * lengths.mean()
    expected = 3 * 2 * (lengths - mean).square().mean()
    assert torch.allclose(penalty['loss_path_length'], expected)
    assert torch.allclose(technique.mean, mean.detach())
    ours = torch.autograd.grad(penalty['loss_path_length'], model.generator.jacobian)
    theirs = torch.autograd.grad(expected, model.generator.jacobian)
    assert torch.allclose(ours[0], theirs[0], atol=1e-6)


def test_the_penalty_comes_every_so_many_iterations():
    technique = PathLength(interval=3)
    model = regularised(technique)
    present = []
    for model.iteration in range(7):
        before = technique.mean.clone()
        present.append('loss_path_length' in terms_of(technique, model))
        assert (technique.mean != before) == present[-1]
    assert present == [True, False, False, True, False, False, True]


def test_a_step_logs_the_penalty_and_pays_for_it():
    model = regularised(PathLength(interval=2))
    wrappers = optimizers(model, lr=0.01)
    outputs = [model.train_step(batch(), wrappers) for _ in range(3)]
    names = ['g/loss_path_length' in terms for terms in outputs]
    assert names == [True, False, True]
    terms = outputs[0]
    parts = ('loss_adversarial', 'loss_conditioning', 'loss_path_length')
    total = sum(terms[f'g/{name}'] for name in parts)
    assert torch.isclose(terms['g/loss'], total)


def test_statistics_of_the_generator_stay():
    technique = PathLength()
    model = regularised(technique)
    terms_of(technique, model)
    assert model.generator.calls == 0
    assert model.generator.track_running_stats is True


def test_lengths_are_taken_in_float32_whatever_autocast_says():
    technique = PathLength()
    model = regularised(technique)
    penalties = []
    for half in (False, True):
        technique.mean.zero_()
        torch.manual_seed(1)
        with torch.autocast('cpu', torch.bfloat16, enabled=half):
            penalties.append(terms_of(technique, model)['loss_path_length'])
    assert torch.equal(*penalties)


def test_the_running_mean_survives_the_state_dict():
    technique, other = PathLength(), PathLength()
    terms_of(technique, regularised(technique))
    other.load_state_dict(technique.state_dict())
    assert other.mean == technique.mean != 0


def test_the_running_mean_is_that_of_all_processes(monkeypatch):
    others = torch.tensor([7.0, 9.0])
    monkeypatch.setattr(path_length, 'default_group', lambda: 'everybody')
    monkeypatch.setattr(
        path_length,
        'gather_rows',
        lambda rows, group: torch.cat([rows, others]) if group else rows,
    )
    technique = PathLength(decay=1.0)
    penalty = technique.penalty(torch.tensor([1.0, 3.0]))
    assert technique.mean == 5
    assert penalty == (4**2 + 2**2) / 2  # of its own rows


def test_a_generator_whose_image_does_not_depend_on_w_gets_finite_gradients():
    technique = PathLength()
    model = regularised(technique)
    model.generator.jacobian.data.zero_()
    terms_of(technique, model)['loss_path_length'].backward()
    assert model.generator.jacobian.grad.isfinite().all()


def test_a_generator_without_styles_raises_and_is_named():
    # when the model is built, not when the penalty is first due
    with pytest.raises(ValueError, match='styles and synthesis.*PlainGenerator'):
        plain_gan(techniques=[PathLength()])


@pytest.mark.parametrize(
    'options',
    [
        dict(weight=0),
        dict(interval=0),
        dict(decay=0),
        dict(decay=1.5),
        dict(batch_fraction=0),
        dict(batch_fraction=1.5),
    ],
)
def test_settings_out_of_range_raise(options):
    (name,) = options
    with pytest.raises(ValueError, match=f'{name}=.* is out of range'):
        PathLength(**options)
