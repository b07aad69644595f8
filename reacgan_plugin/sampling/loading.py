"""A trained generator out of a checkpoint, by the config inside."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn


class Loaded(NamedTuple):
    """A generator and what it was trained for."""

    generator: nn.Module  # in evaluation mode
    num_classes: int  # K; 1 where the generator takes no class
    names: list[str]  # of the classes, as far as the data set had some


def load_generator(
    checkpoint: str,
    *,
    raw: bool = False,
    device: str | torch.device | None = None,
    trust_imports: bool = False,
) -> Loaded:
    """The averaged generator of a checkpoint, in evaluation mode.

    Args:
        checkpoint: written by a training run.
        raw: the generator that was trained, in place of its average.
        device: None: a GPU if there is one.
        trust_imports: follow ``custom_imports`` of the checkpoint's config.

    Raises: ValueError for a checkpoint that is broken or has no config.
    """
    from mmengine.device import get_device

    from reacgan_plugin.evaluation.generators import takes_classes

    model, names = load_model(checkpoint, trust_imports=trust_imports)
    averaged = None if raw else model.generator_ema
    generator = model.generator if averaged is None else averaged
    generator = generator.to(device or get_device())
    if not takes_classes(generator):
        return Loaded(generator, 1, [])
    return Loaded(generator, model.num_classes, names)


def load_model(checkpoint: str, *, trust_imports: bool = False):
    """The model of a checkpoint, by the config inside, and the names of its classes.

    Raises: ValueError for a checkpoint that is broken or has no config.
    """
    from reacgan_plugin.checkpoint import about, load_state, read_checkpoint, weights_of
    from reacgan_plugin.config import checkpoint_config
    from reacgan_plugin.registry import MODELS, SCOPE, build

    config = checkpoint_config(checkpoint, trust_imports=trust_imports)
    scope = config.get('default_scope', SCOPE)
    if scope not in (None, SCOPE):
        raise ValueError(f"{checkpoint} is of {scope}'s networks; sample with {scope}")
    content = read_checkpoint(checkpoint)
    if 'weights' in config.model.discriminator:  # which the checkpoint brings
        config.model.discriminator.weights = None
    config.model.pop('compile', None)  # compiled code knows nothing of later hooks
    model = build(MODELS, config.model)
    load_state(model, weights_of(content, checkpoint), checkpoint)
    classes = about(content).get('classes')
    return model.eval(), classes if isinstance(classes, list) else []
