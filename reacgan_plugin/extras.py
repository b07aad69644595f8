"""What a door needs beyond torch, and one line that says how to get it."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, distribution

RUNNER = ('mmengine', 'mmcv')  # all that a stock config of OpenMMLab asks of us
TRAIN = (
    *RUNNER,
    'torchvision',
    'sklearn',
    'matplotlib',
    'tensorboard',
    'torch_fidelity',
)


def missing_extra(names: tuple[str, ...] = TRAIN) -> str | None:
    """What keeps training from starting here, in one line; None if nothing does."""
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            return (
                f'training needs {error.name}; '
                "install it with: pip install 'reacgan_plugin[train]'"
                + ', or beside mmagic the mmcv that it asks for'
                * (name == 'mmcv')
            )
        except ImportError as error:  # such as OpenCV's, on a server without libGL
            return f'{name} is installed but does not import: {error}'
    if _installed('mmcv') and _installed('mmcv-lite'):
        return (
            'mmcv and mmcv-lite are both installed and overwrite each other; '
            'uninstall both and install the one you need'
        )
    return None


def _installed(name: str) -> bool:
    try:
        return bool(distribution(name))
    except PackageNotFoundError:
        return False
