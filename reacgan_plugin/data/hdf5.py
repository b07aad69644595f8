"""HDF5 files as StudioGAN and BigGAN-PyTorch make them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from reacgan_plugin.data.dataset import ImageDataset
from reacgan_plugin.data.files import existing, names_of_labels
from reacgan_plugin.data.loading import MAX_PIXELS, BrokenImage

IMAGES, LABELS = 'imgs', 'labels'


class HDF5Images(ImageDataset):
    """Decoded images of one size in a file that is read image by image.

    Args:
        data_root: the file; it has 'imgs', (n, 1 or 3, H, W) uint8, and 'labels', (n,)
            integers.
        pipeline: as in :class:`ImageDataset`.
        classes: names, or a text file with one a line; by default numbers.

    Raises: ValueError without the package h5py, for a damaged file and for one of
    another layout.
    """

    def __init__(
        self,
        data_root: str | os.PathLike,
        *,
        pipeline: Sequence,
        classes: Sequence[str] | str | os.PathLike | None = None,
    ):
        path = existing(data_root, 'an HDF5 file of images', allowed=('file',))
        self.data_root = str(path.absolute())
        self.files = [self.data_root]
        self._forget()
        _h5py()  # whose absence is another matter than damage
        try:
            problem, labels = self._contents()
        except Exception as error:  # HDF5 raises nearly anything on damaged files
            raise ValueError(f'cannot read {self.data_root!r}: {error}') from error
        finally:
            self._forget()
        if problem:
            raise ValueError(f'{self.data_root!r}: {problem}')
        names = names_of_labels(classes, labels, self.data_root)
        super().__init__(pipeline, classes=names, labels=labels)

    def load(self, index: int) -> dict:
        try:
            image = self._open()[IMAGES][index]
        except Exception as error:  # HDF5 raises nearly anything on damaged files
            raise BrokenImage(
                f'cannot read image {index} of {self.data_root!r}: {error}'
            ) from error
        # grey is (H, W, 1); the path is a name for messages
        return dict(
            img=image.transpose(1, 2, 0),
            img_path=f'{self.data_root}/{IMAGES}/{index}',
            label=int(self.labels[index]),
        )

    def _open(self):
        """The file, opened once by each process."""
        if self.owner != os.getpid():
            # Not by its name: HDF5 would find it among those open in the parent, and
            # read on through the handle, and the place in the file, that both share.
            self.handle = _h5py().File(open(self.data_root, 'rb'), 'r')
            self.owner = os.getpid()
        return self.handle

    def _forget(self) -> None:
        self.handle = self.owner = None

    def _contents(self) -> tuple[str, np.ndarray | None]:
        """What is wrong with the file, in words, or else its labels."""
        file = self._open()
        missing = [name for name in (IMAGES, LABELS) if name not in file]
        if missing:
            found = ', '.join(file) or 'nothing'
            return f'it lacks {" and ".join(missing)}; found: {found}', None
        images, labels = file[IMAGES], file[LABELS]
        fits = images.ndim == 4 and images.shape[1] in (1, 3)
        if not fits or images.dtype != np.uint8:
            layout = f'{images.dtype} {images.shape}'
            return f'{IMAGES} is {layout}; allowed: uint8 (n, 1 or 3, H, W)', None
        if images.shape[2] * images.shape[3] > MAX_PIXELS:
            return f'{IMAGES} is {images.shape}; allowed: {MAX_PIXELS:,} pixels', None
        if labels.dtype.kind not in 'iu' or labels.shape != images.shape[:1]:
            layout = f'{labels.dtype} {labels.shape}'
            return f'{LABELS} is {layout}; allowed: integers ({len(images)},)', None
        return '', labels[:]

    def __getstate__(self) -> dict:
        return {**self.__dict__, 'handle': None, 'owner': None}


def _h5py():
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ValueError(
            "HDF5Images needs h5py; install it with: pip install 'reacgan_plugin[data]'"
        ) from error
    return h5py
