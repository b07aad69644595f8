"""Components from configs of ours without a registry, which would need mmengine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn


def built(config: Mapping, class_of: Callable[[str], type], *, inner: str) -> nn.Module:
    """The component of a config whose key ``inner`` may hold another one's config."""
    options = {k: v for k, v in config.items() if k != 'type'}
    if inner in options:
        options[inner] = built(options[inner], class_of, inner=inner)
    return class_of(config['type'])(**options)
