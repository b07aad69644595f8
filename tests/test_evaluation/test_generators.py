import numpy as np
import pytest
import torch
from evaluation_parts import averaged_gan, samples
from sampled_generators import biggan
from tiny_gan import CLASSES, changed, plain_gan, state
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from reacgan_plugin.evaluation.generators import (
    GeneratedImages,
    Sampling,
    sampling_network,
    sampling_settings,
    takes_classes,
)
from reacgan_plugin.evaluation.quantise import to_uint8
from reacgan_plugin.evaluation.sampling import draw_z

MODES = ('ema', 'standing', 'batch')


def images_of(source, *, batch: int = 4):
    parts = np.split(np.arange(len(source)), range(batch, len(source), batch))
    return torch.cat(list(source.batches(parts)))


@pytest.fixture
def model():
    return averaged_gan()


def test_the_averaged_generator_is_what_is_sampled(model):
    found = images_of(samples(model))
    z = draw_z(12, model.generator.z_dim, seed=0)
    label = torch.arange(12) % CLASSES
    expected = to_uint8(model.generator_ema(z, label))
    assert (found.int() - expected.int()).abs().max() <= 1
    assert not torch.equal(found, images_of(samples(model, average=False)))
    assert samples(model).weights == 'EMA'
    assert samples(model, average=False).weights == 'raw'


def test_without_an_average_the_raw_generator_is_sampled():
    model = plain_gan()
    assert samples(model).weights == 'raw'
    assert samples(model).batch_norm == 'none'


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('average', [True, False])
def test_the_model_is_untouched_to_the_bit(model, mode, average):
    """R18: standing statistics are taken of a copy."""
    before, training = state(model), [m.training for m in model.modules()]
    random = torch.get_rng_state()
    options = dict(batch_norm=mode, average=average, std_max=4, std_step=3)
    images_of(samples(model, **options))
    assert not changed(before, model)
    assert [m.training for m in model.modules()] == training
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize('mode', MODES)
def test_the_same_samples_come_again(model, mode):
    """R18: by the seed alone, in each mode of batch norm."""
    options = dict(batch_norm=mode, std_max=4, std_step=3)
    first, second = (images_of(samples(model, **options)) for _ in range(2))
    assert torch.equal(first, second)
    other = images_of(samples(model, seed=1, **options))
    assert not torch.equal(first, other)


@pytest.mark.parametrize('mode', ['ema', 'standing'])
def test_samples_do_not_depend_on_the_batch_size(model, mode):
    source = samples(model, batch_norm=mode, std_max=4, std_step=3)
    whole, parts = images_of(source, batch=12), images_of(source, batch=5)
    assert (whole.int() - parts.int()).abs().max() <= 1


def test_statistics_of_the_batch_are_of_each_batch(model):
    source = samples(model, batch_norm='batch', batch_size=4)
    label = torch.from_numpy(source.labels)
    first = images_of(source, batch=4)[:4]
    model.generator_ema.train()
    expected = to_uint8(model.generator_ema(source.z[:4], label[:4]))
    assert (first.int() - expected.int()).abs().max() <= 1
    assert not torch.equal(images_of(source, batch=12)[:4], first)


def test_batches_whose_statistics_count_are_of_classes_in_random_order(model):
    """Classes in their order would make first batches of first classes alone."""
    first, again, other = (
        samples(model, 30, batch_norm='batch', seed=seed).labels for seed in (0, 0, 1)
    )
    assert np.bincount(first).tolist() == [10, 10, 10]
    assert first.tolist() == again.tolist() != other.tolist()
    assert len({tuple(part) for part in first.reshape(10, 3)}) > 1


def test_a_last_batch_is_filled_up_before_its_statistics_are_taken(model):
    source = samples(model, 5, batch_norm='batch', batch_size=4)
    found = images_of(source, batch=4)
    assert len(found) == 5
    rows = [4, 0, 1, 2]
    model.generator_ema.train()
    label = torch.from_numpy(source.labels)[rows]
    expected = to_uint8(model.generator_ema(source.z[rows], label))
    assert (found[4].int() - expected[0].int()).abs().max() <= 1


@pytest.mark.parametrize('truncation', [None, 0.5])
def test_an_image_is_the_same_however_many_there_are(model, truncation):
    few, more, many = (
        samples(model, count, truncation=truncation).z for count in (3, 50, 1103)
    )
    assert torch.equal(few, many[:3]) and torch.equal(more, many[:50])
    assert len(many.unique(dim=0)) == 1103


def test_a_generator_that_takes_no_class_has_samples_without_labels():
    model = plain_gan(generator=biggan(num_classes=None))
    assert takes_classes(biggan(num_classes=CLASSES))
    assert not takes_classes(model.generator)
    source = samples(model, 4)
    assert source.labels is None and len(source) == 4
    assert images_of(source).shape[:2] == (4, 3)


def norms(network):
    return [part for part in network.modules() if isinstance(part, _BatchNorm)]


@torch.no_grad()
def test_standing_statistics_are_means_over_batches_of_random_sizes(model):
    sampling = Sampling(batch_norm='standing', std_max=5, std_step=4)
    network = sampling_network(model, sampling)
    sizes, first = [], norms(network)[0]
    batches = []
    copy = sampling_network(model, Sampling())
    copy_first = norms(copy)[0]
    copy_first.register_forward_pre_hook(
        lambda module, inputs: batches.append(inputs[0])
    )
    random = torch.Generator().manual_seed(0)
    for _ in range(4):
        count = int(torch.randint(1, 6, (), generator=random))
        label = torch.randint(CLASSES, (count,), generator=random)
        seed = int(torch.randint(2**62, (), generator=random))
        copy(draw_z(count, model.generator.z_dim, seed), label)
        sizes.append(count)
    assert len(set(sizes)) > 1
    # the first norm sees what no other norm has touched
    means = torch.stack([x.mean((0, 2, 3)) for x in batches]).mean(0)
    variances = torch.stack([x.transpose(0, 1).flatten(1).var(1) for x in batches])
    assert torch.allclose(first.running_mean, means, atol=1e-5)
    assert torch.allclose(first.running_var, variances.mean(0), rtol=1e-4)
    assert not any(norm.training for norm in norms(network))


def test_every_class_comes_equally_often_up_to_the_remainder(model):
    counts = np.bincount(samples(model, 11).labels)
    assert counts.tolist() == [4, 4, 3]
    assert np.bincount(samples(model, 1).labels).tolist() == [1]


def test_truncated_z_is_used_for_samples_and_for_their_statistics(model):
    source = samples(model, truncation=0.1)
    assert source.z.abs().max() <= 0.1
    options = dict(batch_norm='standing', std_max=4, std_step=3)
    plain = norms(samples(model, **options).network)[0]
    narrow = norms(samples(model, truncation=0.1, **options).network)[0]
    assert not torch.equal(plain.running_var, narrow.running_var)


def test_a_generator_that_diverged_is_named(model):
    with torch.no_grad():
        next(model.generator_ema.parameters()).fill_(torch.nan)
    with pytest.raises(ValueError, match='the generator gives NaN'):
        images_of(samples(model))


class Synced(nn.Module):
    z_dim = 2

    def __init__(self):
        super().__init__()
        self.norm = nn.SyncBatchNorm(3)

    def forward(self, z, label):
        return self.norm(z.new_zeros(len(z), 3, 2, 2))


def test_synchronised_batch_norms_do_not_wait_for_other_ranks():
    model = plain_gan(generator=Synced())
    network = sampling_network(model, Sampling(batch_norm='batch'))
    assert not any(isinstance(m, nn.SyncBatchNorm) for m in network.modules())
    assert isinstance(model.generator.norm, nn.SyncBatchNorm)
    assert network(torch.zeros(4, 2), torch.zeros(4)).shape == (4, 3, 2, 2)


@pytest.mark.parametrize('settings, message', [
    (dict(batchnorm='ema'), "sampling key='batchnorm'.*did you mean 'batch_norm'"),
    (dict(batch_norm='batches'), "batch_norm='batches' is not known"),
    (dict(std_max=0), 'std_max=0 is out of range'),
    (dict(truncation=-1.0), 'truncation=-1.0 is out of range'),
])  # fmt: skip
def test_settings_that_are_not_known_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        sampling_settings(settings)


def test_no_samples_are_refused(model):
    with pytest.raises(ValueError, match='num_images=0'):
        GeneratedImages(model, 0, Sampling())
