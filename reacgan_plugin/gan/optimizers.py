"""Two optimizers for two networks."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import torch
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from mmengine.registry import OPTIMIZERS
from torch import nn

from reacgan_plugin.options import did_you_mean
from reacgan_plugin.signatures import is_of

NETWORKS = ('generator', 'discriminator')
IMPLEMENTATIONS = ('fused', 'foreach', 'capturable', 'differentiable')  # of torch's
FUSED_ON = ('cpu', 'cuda')
# that cannot train a GAN here, and why
UNFIT = {
    'LBFGS': 'evaluates a loss several times in one step, for which a GAN has none',
    'SparseAdam': 'takes sparse gradients only, which no network here has',
    'ZeroRedundancyOptimizer': 'spreads its state over processes, where a checkpoint '
    'is written by one of them',
}


class GANOptimWrapperConstructor:
    """Builds one optim wrapper for each network of a GAN.

    Config::

        optim_wrapper = dict(
            constructor='GANOptimWrapperConstructor',
            generator=dict(optimizer=dict(type='Adam', lr=1e-4)),
            discriminator=dict(optimizer=dict(type='Adam', lr=4e-4)))

    Each entry is an ordinary mmengine ``optim_wrapper`` (``type``, ``clip_grad``,
    ``paramwise_cfg`` and so on). The discriminator's parameters include the head's.
    Optimizers that have a fused form take it where the entry asks for no other: one
    kernel for all parameters, whose numbers are those of the others but for rounding.
    For a model with ``amp='fp16'`` both scale the loss that they step by.

    Raises: ValueError when an entry is missing or names no network, and for fp16
    without a GPU.
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
        scaled = getattr(model, 'amp', None) == 'fp16'
        if scaled and not torch.cuda.is_available():
            raise ValueError(
                "model.amp='fp16' scales losses, which needs a GPU; 'bf16' works on a "
                'CPU, too'
            )
        kind = {'type': 'AmpOptimWrapper' if scaled else 'OptimWrapper'}

        def wrapper(name: str):
            network, cfg = getattr(model, name), self.optim_wrapper_cfg[name]
            try:
                return build_optim_wrapper(network, _fused({**kind, **cfg}, network))
            except (ValueError, TypeError, AssertionError, KeyError) as error:
                raise ValueError(f'optim_wrapper.{name}: {cfg}: {error}') from error

        return OptimWrapperDict(**{name: wrapper(name) for name in NETWORKS})


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


def refuse_unfit(key: str, optimizer: Mapping) -> None:
    """ValueError for an optimizer that is there but cannot train a GAN."""
    kind = _kind_of(optimizer)
    name = getattr(kind, '__name__', '')
    if name in UNFIT and is_of(kind, ('torch', 'mmengine')):
        raise ValueError(
            f"{key}: type={name!r} {UNFIT[name]}; allowed: others, such as 'Adam'"
        )


def _kind_of(optimizer: Mapping):
    kind = optimizer.get('type')
    return OPTIMIZERS.get(kind) if isinstance(kind, str) else kind


def _fused(cfg: dict, network: nn.Module) -> dict:
    """The entry with ``fused=True`` for its optimizer, if that is possible and left
    open."""
    optimizer = cfg.get('optimizer')
    if not isinstance(optimizer, dict) or set(IMPLEMENTATIONS) & set(optimizer):
        return cfg
    kind = _kind_of(optimizer)
    if not inspect.isclass(kind) or 'fused' not in inspect.signature(kind).parameters:
        return cfg
    if any(p.device.type not in FUSED_ON for p in network.parameters()):
        return cfg
    return {**cfg, 'optimizer': {**optimizer, 'fused': True}}


def _refuse_what_the_step_does_itself(name: str, cfg: dict) -> None:
    if cfg.get('accumulative_counts', 1) != 1:
        raise ValueError(
            f'optim_wrapper.{name}.accumulative_counts has no effect here; '
            'set model.accumulation'
        )
    if cfg.get('type') == 'AmpOptimWrapper':
        raise ValueError(
            f"optim_wrapper.{name} is an AmpOptimWrapper; set model.amp='bf16', which "
            "needs no loss scaling, or 'fp16', and leave the type out"
        )
