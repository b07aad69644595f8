"""Two optimizers for two networks."""

from __future__ import annotations

from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from torch import nn

from reacgan_plugin.options import did_you_mean

NETWORKS = ('generator', 'discriminator')


class GANOptimWrapperConstructor:
    """Builds one optim wrapper for each network of a GAN.

    Config::

        optim_wrapper = dict(
            constructor='GANOptimWrapperConstructor',
            generator=dict(optimizer=dict(type='Adam', lr=1e-4)),
            discriminator=dict(optimizer=dict(type='Adam', lr=4e-4)))

    Each entry is an ordinary mmengine ``optim_wrapper`` (``type``, ``clip_grad``,
    ``paramwise_cfg`` and so on). The discriminator's parameters include the head's.

    Raises: ValueError when an entry is missing or names no network.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None):
        for key in optim_wrapper_cfg:
            if key not in NETWORKS:
                raise ValueError(
                    f'optim_wrapper.{key} is not a network; allowed: '
                    f'{", ".join(NETWORKS)}{did_you_mean(key, NETWORKS)}'
                )
        missing = [name for name in NETWORKS if name not in optim_wrapper_cfg]
        if missing:
            raise ValueError(f'optim_wrapper has no entry for {", ".join(missing)}')
        if paramwise_cfg is not None:
            raise ValueError(
                'paramwise_cfg belongs into optim_wrapper.generator or '
                'optim_wrapper.discriminator'
            )
        for name in NETWORKS:
            _refuse_what_the_step_does_itself(name, optim_wrapper_cfg[name])
        self.optim_wrapper_cfg = optim_wrapper_cfg

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        return OptimWrapperDict(
            **{
                name: build_optim_wrapper(
                    getattr(model, name),
                    {'type': 'OptimWrapper', **self.optim_wrapper_cfg[name]},
                )
                for name in NETWORKS
            }
        )


def wrapper_of(optim_wrapper, name: str):
    """A network's own wrapper, of a mapping of two or given alone.

    Raises: ValueError when the mapping has no such entry.
    """
    if not hasattr(optim_wrapper, 'keys'):
        return optim_wrapper
    if name not in optim_wrapper.keys():
        raise ValueError(
            f'optim_wrapper has no entry {name!r}, only {list(optim_wrapper.keys())}'
        )
    return optim_wrapper[name]


def _refuse_what_the_step_does_itself(name: str, cfg: dict) -> None:
    if cfg.get('accumulative_counts', 1) != 1:
        raise ValueError(
            f'optim_wrapper.{name}.accumulative_counts has no effect here; '
            'set model.accumulation'
        )
    if cfg.get('type') == 'AmpOptimWrapper':
        raise ValueError(
            f"optim_wrapper.{name} is an AmpOptimWrapper; set model.amp='bf16', which "
            'needs no loss scaling, and leave the type out'
        )
