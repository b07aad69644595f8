"""A map of the hypersphere: embeddings of real images, and the proxies as stars."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure

from reacgan_plugin.diagnostics.classes import class_vectors
from reacgan_plugin.functional.sphere import project_to_sphere
from reacgan_plugin.layers import evaluating
from reacgan_plugin.options import one_of
from reacgan_plugin.registry import DATASETS, build

METHODS = ('pca', 'tsne')
MOST_NAMES = 20  # of classes in a legend
BATCH = 100
GOLDEN = (5**0.5 - 1) / 2  # share of a circle, by which neighbours are far apart


class Embeddings(NamedTuple):
    """Unit rows of images and of classes, as arrays."""

    embedding: np.ndarray  # (N, D)
    label: np.ndarray  # (N,)
    proxy: np.ndarray  # (K, D); (0, D) for a head that holds nothing of classes
    names: list[str]  # of the K classes
    what: str  # the rows are


def embeddings_of(model, dataset, *, images: int = 1000, names=()) -> Embeddings:
    """What a model's discriminator makes of some images of a data set.

    Of heads without an embedding it is the features F(x), beside the class weights or
    class embeddings, all at unit norm.

    Args:
        model: a :class:`~reacgan_plugin.gan.model.ConditionalGAN`.
        dataset: or its config.
        images: how many at most, drawn by a fixed seed.
        names: of the classes; the data set's own by default.
    """
    dataset = build(DATASETS, dataset)
    count = min(images, len(dataset))
    rows = np.random.default_rng(0).permutation(len(dataset))[:count]
    parts, label = [], []
    discriminator = model.discriminator
    with evaluating(discriminator), torch.no_grad():
        for start in range(0, count, BATCH):
            items = [dataset[int(row)] for row in rows[start : start + BATCH]]
            data = {key: [item[key] for item in items] for key in ('image', 'label')}
            data = dict(image=torch.stack(data['image']), label=_tensor(data['label']))
            data = model.data_preprocessor(data)
            output = discriminator(data['image'], data['label'])
            embedded = output.embedding is not None
            found = output.embedding if embedded else output.features
            parts.append(project_to_sphere(found).cpu())
            label.append(data['label'].cpu())
        vectors = class_vectors(discriminator.head)
    embedding = torch.cat(parts).numpy()
    proxy = np.empty((0, embedding.shape[1]), embedding.dtype)
    if vectors is not None:
        proxy = project_to_sphere(_of_reals(vectors, model.num_classes)).cpu().numpy()
    names = list(names) or list(getattr(dataset, 'classes', []))
    what = 'embeddings and proxies' if embedded else 'features F(x)'
    return Embeddings(embedding, torch.cat(label).numpy(), proxy, names, what)


def sphere_map(found: Embeddings, method: str = 'pca') -> Figure:
    """Draw the rows in two dimensions, a colour a class, proxies as stars.

    Args:
        found: what to draw.
        method: ``'pca'``: the sphere seen along the two main directions, inside its
            outline. ``'tsne'``: neighbours stay neighbours, distances mean little (van
            der Maaten and Hinton 2008), by cosines.

    Raises: ValueError for another method, and for t-SNE of fewer than five rows.
    """
    one_of('method', method, METHODS)
    rows = np.concatenate([found.embedding, found.proxy])
    points = {'pca': _main_directions, 'tsne': _neighbours}[method](rows)
    images, stars = np.split(points, [len(found.embedding)])
    figure = Figure((7, 6.5), layout='constrained')
    axes = figure.add_subplot(xticks=[], yticks=[])
    colour = _colours(max(len(found.names), len(stars), found.label.max() + 1))
    axes.scatter(*images.T, s=8, c=colour[found.label], alpha=0.5, linewidths=0)
    axes.scatter(
        *stars.T, s=220, c=colour[: len(stars)], marker='*', edgecolors='black'
    )
    if method == 'pca':
        around = np.linspace(0, 2 * np.pi, 200)
        axes.plot(np.cos(around), np.sin(around), color='grey', linewidth=0.8)
        axes.set_aspect('equal')
    if 1 < len(found.names) <= MOST_NAMES:
        for number, name in enumerate(found.names):
            axes.scatter([], [], s=30, c=colour[number : number + 1], label=name)
        figure.legend(loc='outside right upper', fontsize='small')
    way = {'pca': 'main directions', 'tsne': 't-SNE'}[method]
    axes.set_title(f'{found.what} of {len(images)} real images, {way}')
    return figure


def _of_reals(vectors: torch.Tensor, num_classes: int) -> torch.Tensor:
    """(K, D) without what stands for fakes: every second row of ADC's 2K, the last of
    multi-hinge's K + 1."""
    if len(vectors) == 2 * num_classes:
        return vectors[::2]
    return vectors[:num_classes]


def _tensor(labels) -> torch.Tensor:
    return torch.tensor([int(label) for label in labels])


def _main_directions(rows: np.ndarray) -> np.ndarray:
    """Unit rows by their two principal directions, within the unit disc: centred to
    find the directions, not to be drawn."""
    from sklearn.decomposition import PCA

    two = min(2, *rows.shape)
    points = rows @ PCA(two, random_state=0).fit(rows).components_.T
    return np.pad(points, ((0, 0), (0, 2 - two)))


def _neighbours(rows: np.ndarray) -> np.ndarray:
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    if len(rows) < 5:
        raise ValueError(f't-SNE of {len(rows)} rows; allowed: 5 or more')
    perplexity = min(30, (len(rows) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, metric='cosine', random_state=0)
    with threadpool_limits(1):  # on so few rows, several wait for each other
        return tsne.fit_transform(rows)


def _colours(count: int) -> np.ndarray:
    """(count, 4) colours that tell neighbouring classes apart."""
    from matplotlib import colormaps
    from matplotlib.colors import hsv_to_rgb

    if count <= 10:
        return colormaps['tab10'](np.arange(count))
    if count <= 20:
        return colormaps['tab20'](np.arange(count))
    hue = np.arange(count) * GOLDEN % 1
    colour = hsv_to_rgb(np.stack([hue, *np.full((2, count), 0.9)], axis=1))
    return np.pad(colour, ((0, 0), (0, 1)), constant_values=1)
