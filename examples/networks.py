"""What the loops train: stand-ins for your own networks and data."""

from itertools import count

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

CLASSES, Z = 10, 32


class Generator(nn.Module):
    """z (N, Z), label (N,) -> images (N, 1, 8, 8) in [-1, 1]."""

    def __init__(self, width: int = 64):
        super().__init__()
        self.classes = nn.Embedding(CLASSES, Z)
        self.main = nn.Sequential(
            nn.ConvTranspose2d(2 * Z, 2 * width, 4),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, 1, 3, 1, 1),
            nn.Tanh(),
        )

    def forward(self, z, label):
        return self.main(torch.cat([z, self.classes(label)], 1)[..., None, None])


class Discriminator(nn.Module):
    """Images (N, 1, 8, 8) -> (N, 1); it knows nothing of classes."""

    def __init__(self, width: int = 64):
        super().__init__()
        self.main = nn.Sequential(
            spectral_norm(nn.Conv2d(1, width, 3, 1, 1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(width, 2 * width, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            spectral_norm(nn.Conv2d(2 * width, 1, 4)),
            nn.Flatten(),
        )

    def forward(self, image):
        return self.main(image)


def digits() -> torch.utils.data.TensorDataset:
    """The 1,797 digits that scikit-learn ships."""
    from sklearn.datasets import load_digits

    found = load_digits()
    image = torch.tensor(found.images, dtype=torch.float32)[:, None] / 8 - 1
    return torch.utils.data.TensorDataset(image, torch.tensor(found.target))


def endless(loader):
    """Batches without end, in another order each time round.

    Raises: ValueError where there is not one full batch to wait for.
    """
    if len(loader) == 0:
        raise ValueError(
            f'--batch is larger than what a process has of {len(loader.dataset)} '
            'images; allowed: as many or fewer'
        )
    for epoch in count():
        # else a DistributedSampler repeats its order; accelerate's loader counts itself
        if hasattr(loader.sampler, 'set_epoch'):
            loader.sampler.set_epoch(epoch)
        yield from loader
