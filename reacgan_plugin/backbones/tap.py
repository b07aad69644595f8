"""Features of a layer inside a discriminator that is there already."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from reacgan_plugin.options import did_you_mean, one_of, some

SIDES = ('input', 'output')
COMPILED = '_orig_mod'  # the child in which torch.compile keeps what it compiled


class FeatureTap(nn.Module):
    """A discriminator that also hands out what goes into, or comes out of, a layer.

    Args:
        discriminator: any module; it stays as it is, but for a hook on the layer, and
            is the child ``discriminator``, which loads the state dicts that it always
            did.
        layer: dotted name as in ``discriminator.named_modules()``; the ``_orig_mod``
            of torch.compile may be left out.
        at: ``'input'`` or ``'output'`` of the layer; of several tensors the first one.

    Shapes: arguments of the discriminator -> (what it returns, the layer's tensor).

    The tensor is the layer's own, part of the graph and not a copy: an activation
    behind it that works in place changes it. Where activation checkpointing is
    re-entrant, tensors inside a checkpointed block carry no gradient.

    Raises: ValueError for a layer that does not exist and for another ``at``;
    RuntimeError for a call in which the layer did not run, or ran more than once.
    """

    def __init__(self, discriminator: nn.Module, layer: str, *, at: str = 'input'):
        super().__init__()
        one_of('at', at, SIDES)
        self.discriminator = discriminator
        self.layer, self.at = _plain(layer), at
        self._recorder = _Recorder()
        self._recorder.listen(self.tapped, at)

    @property
    def tapped(self) -> nn.Module:
        """The layer that is listened to."""
        return _find_layer(self.discriminator, self.layer)

    def forward(self, *args, **kwargs) -> tuple:
        self._recorder.tensors = []
        try:
            output = self.discriminator(*args, **kwargs)
            return output, self._only(self._recorder.tensors)
        finally:
            self._recorder.tensors = None

    def _only(self, tensors: list[Tensor | None]) -> Tensor:
        if not tensors:
            raise RuntimeError(
                f'layer={self.layer!r} did not run in this call; if the discriminator '
                'is compiled, tap it before the first compiled call'
            )
        if len(tensors) > 1:
            raise RuntimeError(
                f'layer={self.layer!r} ran {len(tensors)} times in this call, which '
                'makes its features ambiguous; tap one that runs once'
            )
        if tensors[0] is None:
            raise RuntimeError(f'layer={self.layer!r} has no tensor as its {self.at}')
        return tensors[0]

    def _replicate_for_data_parallel(self):
        raise RuntimeError(
            'under nn.DataParallel several threads would share one tap; use '
            'DistributedDataParallel'
        )

    def extra_repr(self) -> str:
        return f'layer={self.layer!r}, at={self.at!r}'


class _Recorder:
    """A layer's tensors while a tap's call is under way.

    ``tensors`` is None at other times, so that calls of the discriminator by others,
    and activation checkpointing's second run in the backward pass, leave no trace.
    Hooks are bound methods of this object: a deep copy of the layer has hooks of the
    copied object.
    """

    def __init__(self):
        self.tensors: list[Tensor | None] | None = None

    def listen(self, layer: nn.Module, at: str) -> None:
        """Hook the layer now: once compiled, a module ignores later hooks."""
        if at == 'input':
            layer.register_forward_pre_hook(self._take_input, with_kwargs=True)
        else:
            layer.register_forward_hook(self._take_output)

    def _take_input(self, layer: nn.Module, args: tuple, kwargs: dict) -> None:
        if self.tensors is not None:
            self.tensors.append(_first_tensor((*args, *kwargs.values())))

    def _take_output(self, layer: nn.Module, args: tuple, output) -> None:
        if self.tensors is not None:
            several = isinstance(output, tuple | list)
            self.tensors.append(_first_tensor(output if several else (output,)))


def _first_tensor(values: Iterable) -> Tensor | None:
    return next((value for value in values if isinstance(value, Tensor)), None)


def _find_layer(discriminator: nn.Module, layer: str) -> nn.Module:
    """The module of that dotted name; ValueError for another, with the nearest one."""
    layers: dict[str, nn.Module] = {}
    for name, module in discriminator.named_modules(remove_duplicate=False):
        layers.setdefault(_plain(name), module)  # a compiled layer, not its inside
    layers.pop('')  # the discriminator itself
    if layer not in layers:
        raise ValueError(
            f'layer={layer!r} is not in {type(discriminator).__name__}; allowed: '
            f'{some(layers)}{did_you_mean(layer, layers)}'
        )
    return layers[layer]


def _plain(name: str) -> str:
    """A module's name as it is without torch.compile."""
    return '.'.join(part for part in name.split('.') if part != COMPILED)
