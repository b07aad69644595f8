"""Conditionings and heads under their bare names, for any project on mmengine.

Importing this module registers them into mmengine's root, so that ``type='D2DCE'``
builds from every OpenMMLab scope. It needs mmengine and torch alone. A name that
somebody else has taken stays theirs, with a warning.
"""

from __future__ import annotations

import warnings

try:
    from mmengine import registry as root
    from mmengine.model import is_model_wrapper
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f'this door needs {error.name}; install it with: pip install mmengine',
        name=error.name,
    ) from None

from torch import nn

from reacgan_plugin.conditioning.names import CONDITIONINGS, HEADS
from reacgan_plugin.layers import HypersphereProjection


def register_in_root(classes: dict[str, type]) -> None:
    """Register into mmengine's root MODELS; a name taken by another class stays."""
    for name, cls in classes.items():
        taken = root.MODELS.module_dict.get(name)
        if taken is None:
            root.MODELS.register_module(name=name, module=cls)
        elif taken is not cls:
            warnings.warn(
                f'{name!r} is registered in mmengine already, as {taken.__module__}.'
                f'{taken.__qualname__}, and stays so; ours is reacgan_plugin.{name}',
                stacklevel=2,
            )


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside a DDP wrapper of mmengine's, or one that has none."""
    return module.module if is_model_wrapper(module) else module


LAYERS = {'HypersphereProjection': HypersphereProjection}

register_in_root({**CONDITIONINGS, **HEADS, **LAYERS})
