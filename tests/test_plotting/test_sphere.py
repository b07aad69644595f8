import numpy as np
import pytest
import torch
from tiny_gan import CLASSES, plain_gan
from tiny_methods import METHODS

from reacgan_plugin.data import ImageDataset
from reacgan_plugin.plotting import Embeddings, embeddings_of, sphere_map


class Squares(ImageDataset):
    """30 images of 8 x 8, as bytes."""

    def __init__(self):
        super().__init__([], classes='abc', labels=np.arange(30) % CLASSES)
        random = torch.Generator().manual_seed(0)
        shape = (30, 3, 8, 8)
        self.image = torch.randint(256, shape, generator=random, dtype=torch.uint8)

    def load(self, index):
        return dict(image=self.image[index], label=int(self.labels[index]))


def found_by(name, **options):
    torch.manual_seed(0)
    return embeddings_of(plain_gan(loss=METHODS[name]()), Squares(), **options)


def circle(count):
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)


@pytest.mark.parametrize('name', METHODS)
def test_every_method_has_unit_rows_and_a_star_a_class_of_reals(name):
    found = found_by(name)
    assert np.allclose(np.linalg.norm(found.embedding, axis=1), 1, atol=1e-5)
    stars = 0 if 'Unconditional' in name else CLASSES
    assert found.proxy.shape == (stars, found.embedding.shape[1])
    assert np.allclose(np.linalg.norm(found.proxy, axis=1), 1, atol=1e-5)
    assert sorted(np.bincount(found.label)) == [10, 10, 10]
    assert found.names == ['a', 'b', 'c']


def test_rows_are_those_of_the_discriminator_in_a_fixed_order():
    torch.manual_seed(0)
    gan, dataset = plain_gan(loss=METHODS['D2DCE']()), Squares()
    found = embeddings_of(gan, dataset, images=7)
    again = embeddings_of(gan, dataset, images=7)
    assert np.array_equal(found.embedding, again.embedding)
    places = np.random.default_rng(0).permutation(30)[:7]
    assert np.array_equal(found.label, dataset.labels[places])
    image = gan.data_preprocessor(
        dict(image=dataset.image[places], label=torch.from_numpy(found.label))
    )['image']
    gan.eval()
    output = gan.discriminator(image, torch.from_numpy(found.label))
    assert np.allclose(found.embedding, output.embedding.detach(), atol=1e-6)
    for row, label in enumerate(found.label):
        proxy = found.proxy[label]
        assert np.allclose(proxy, output.proxy[row].detach(), atol=1e-6)


def test_looking_at_embeddings_does_not_change_the_model():
    gan = plain_gan(loss=METHODS['D2DCE']()).train()
    before = {k: v.clone() for k, v in gan.discriminator.state_dict().items()}
    embeddings_of(gan, Squares(), images=5)
    after = gan.discriminator.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert gan.discriminator.training


def test_the_main_directions_keep_a_circle_a_circle():
    rows = circle(12)
    found = Embeddings(rows, np.arange(12) % 3, circle(3), list('abc'), 'rows')
    (axes,) = sphere_map(found, 'pca').axes
    images, stars = (c.get_offsets() for c in axes.collections[:2])
    assert np.allclose(np.linalg.norm(images, axis=1), 1)
    assert len(stars) == 3
    assert len(axes.lines) == 1  # the outline


@pytest.mark.parametrize('method', ['pca', 'tsne'])
def test_maps_have_a_colour_a_class_and_stars_in_those_of_theirs(method):
    found = found_by('D2DCE')
    (axes,) = sphere_map(found, method).axes
    images, stars = axes.collections[:2]
    assert len(images.get_offsets()) == 30
    assert np.isfinite(images.get_offsets()).all()
    colours = images.get_facecolors()[:, :3], stars.get_facecolors()[:, :3]
    for row, label in enumerate(found.label):
        assert np.array_equal(colours[0][row], colours[1][label])


@pytest.mark.parametrize('count', [2, 10, 20, 21, 100, 150, 1000])
def test_any_number_of_classes_is_told_apart(count):
    names = [str(number) for number in range(count)]
    found = Embeddings(circle(count), np.arange(count), circle(count), names, 'rows')
    figure = sphere_map(found)
    colours = figure.axes[0].collections[0].get_facecolors()
    assert len({tuple(colour) for colour in colours}) == count
    assert len(figure.legends) == (count <= 20)
    beside = np.abs(np.diff(colours[:, :3], axis=0)).max(1)
    assert beside.min() > 0.1


def test_other_methods_and_too_few_rows_are_refused():
    few = Embeddings(circle(3), np.arange(3), circle(1), [], 'rows')
    with pytest.raises(ValueError, match="method='umap'.*allowed: 'pca', 'tsne'"):
        sphere_map(few, 'umap')
    with pytest.raises(ValueError, match='t-SNE of 4 rows; allowed: 5 or more'):
        sphere_map(few, 'tsne')
