"""A conditioning for a discriminator that is there already."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

from reacgan_plugin.backbones.tap import FeatureTap
from reacgan_plugin.conditioning.base import (
    AdversarialHead,
    Conditioning,
    DiscriminatorOutput,
)
from reacgan_plugin.layers.modes import settled
from reacgan_plugin.layers.pooling import POOLS, pooled
from reacgan_plugin.options import one_of


class Conditioned(nn.Module):
    """Your discriminator with the head of a conditioning on features of one layer.

    Args:
        discriminator: your module, image -> one number a sample, or anything where the
            head gives the logit. It is there as ``conditioned.discriminator`` and loads
            the state dicts that it always did.
        loss: the conditioning, ``D2DCELoss()``, ``AC()``, ...; it brings the head.
        num_classes: K.
        layer: name of the layer whose features the head reads, usually the last one
            that has weights: ``'fc'``, ``'main.11'``.
        at: its ``'input'`` or its ``'output'``.
        in_channels: C; None: read off the layer's weight.
        pool: of feature maps, ``'sum'`` or ``'mean'`` over positions. The head's
            weights are spectrally normalised, so its logits are as large as the
            features: the sum, BigGAN's way, leaves the hinge's margin within reach,
            where the mean would make them H x W times smaller. On the hypersphere the
            scale hardly matters.
        own_logit: whether ``logits`` are the discriminator's own output, untouched, or
            those of a layer of the head. None: its own where the layer, tapped at its
            input, gives one number, and the method needs one; SPD, MD and MH need more.

    Shapes: image, label (N,) -> :class:`DiscriminatorOutput`, just as
    :class:`Discriminator`; further keywords go to the discriminator. Features are
    (N, C), or (N, C, positions...), which are pooled; tokens (N, T, C) are refused,
    since a ViT pools them itself: tap the layer behind that, timm's ``'head'``.

    DDP goes around the result. It waits for the gradient of every parameter, so that
    a layer whose output nobody reads must not ask for one: where the head gives the
    logit and the layer is tapped at its input, this freezes it; a loop that sets
    ``requires_grad`` itself does so by :func:`~reacgan_plugin.layers.frozen`, which
    gives each parameter its own setting back. Weights further on, and any behind a
    layer tapped at its output, are left to you: freeze them or set
    ``find_unused_parameters``. A Sigmoid at the discriminator's end makes its own
    output a probability, which is right for a loss on probabilities alone.

    Raises: ValueError for a layer, loss, option or feature shape that is not allowed,
    for a discriminator in a parallel wrapper, for a lazy layer that has not run yet,
    and where its own output is to be the logit and is not one number a sample;
    RuntimeError as :class:`FeatureTap`; AttributeError for another ``discriminator``.
    """

    def __init__(
        self,
        discriminator: nn.Module,
        loss: Conditioning,
        num_classes: int,
        *,
        layer: str,
        at: str = 'input',
        in_channels: int | None = None,
        pool: str = 'sum',
        own_logit: bool | None = None,
    ):
        super().__init__()
        _check_unwrapped(discriminator)
        _check_conditioning(loss)
        self.pool = one_of('pool', pool, POOLS)
        self.tap = FeatureTap(discriminator, layer, at=at)
        _check_has_run(self.tap.tapped, layer)
        self.in_channels = in_channels or _width(self.tap.tapped, at, layer)
        self.head = loss.build_head(self.in_channels, num_classes)
        if own_logit is None:
            own_logit = self._ends_in_one_number() and _reads_one_number(self.head)
        self.own_logit = own_logit
        if own_logit:
            self.head.take_scores()
        elif at == 'input':
            self.tap.tapped.requires_grad_(False)  # nobody reads what it gives

    @property
    def discriminator(self) -> nn.Module:
        """The discriminator that was given."""
        return self.tap.discriminator

    def __setattr__(self, name: str, value) -> None:
        if name == 'discriminator':  # nn.Module would add a child that nobody calls
            raise AttributeError(
                'discriminator cannot be replaced, since a layer of it is tapped; load '
                'a state dict into it, or build another Conditioned'
            )
        super().__setattr__(name, value)

    def forward(
        self, image: Tensor, label: Tensor, *, fake: bool = False, **extra
    ) -> DiscriminatorOutput:
        # one spectral norm iteration a pass, however often a weight is read
        with parametrize.cached():
            output, features = self.tap(image, **extra)
            scores = _one_number_each(output, len(image)) if self.own_logit else None
            return self.head(self._pooled(features), label, fake=fake, scores=scores)

    def _ends_in_one_number(self) -> bool:
        widths = _widths(self.tap.tapped)
        return self.tap.at == 'input' and widths is not None and widths['output'] == 1

    def _pooled(self, features: Tensor) -> Tensor:
        """(N, C) of features (N, C) or (N, C, positions...)."""
        if features.ndim in (0, 1, 3) or features.shape[1] != self.in_channels:
            raise ValueError(
                f'the {self.tap.at} of layer={self.tap.layer!r} has shape '
                f'{tuple(features.shape)}; allowed: (N, {self.in_channels}), or '
                f'(N, {self.in_channels}, H, W), which is pooled; of tokens, tap the '
                'layer that reads them after the model has pooled them'
            )
        return pooled(features, self.pool)

    def extra_repr(self) -> str:
        return f'pool={self.pool!r}, own_logit={self.own_logit}'


def _check_unwrapped(discriminator: nn.Module) -> None:
    for module in discriminator.modules():
        if isinstance(module, DataParallel | DistributedDataParallel):
            raise ValueError(
                f'discriminator holds a {type(module).__name__}, which would not see '
                'the head; give the module inside and wrap the result'
            )


def _check_conditioning(loss) -> None:
    if not isinstance(loss, Conditioning):
        raise ValueError(
            f'loss={loss!r} brings no head; allowed: a conditioning such as D2DCELoss()'
        )


def _check_has_run(layer: nn.Module, name: str) -> None:
    if any(is_lazy(parameter) for parameter in layer.parameters()):
        raise ValueError(
            f'layer={name!r}, a {type(layer).__name__}, has not run yet; run the '
            'discriminator once, so that its weight has a shape'
        )


def _reads_one_number(head: AdversarialHead) -> bool:
    return head.width(head.num_classes) == 1


def _one_number_each(output, rows: int) -> Tensor:
    """The discriminator's own scores as (N, 1)."""
    found = type(output).__name__
    if isinstance(output, Tensor):
        if output.shape[:1] == (rows,) and output.numel() == rows:
            return output.reshape(rows, 1)
        found = f'shape {tuple(output.shape)}'
    raise ValueError(
        f'the discriminator gives {found} for {rows} samples; allowed: one number a '
        'sample; own_logit=False takes that of the head instead'
    )


def _width(layer: nn.Module, at: str, name: str) -> int:
    widths = _widths(layer)
    if widths is None:
        raise ValueError(
            f'in_channels is needed: layer={name!r}, a {type(layer).__name__}, has no '
            'weight of two or more dimensions to read the width of its features off'
        )
    return widths[at]


def _widths(layer: nn.Module) -> dict[str, int] | None:
    """Channels that go into a layer with a weight, and out of it; None without one."""
    if isinstance(layer, _ConvNd):  # groups or a transpose change the weight's shape
        return {'input': layer.in_channels, 'output': layer.out_channels}
    with settled(layer):  # reading a weight is no iteration of its spectral norm
        weight = getattr(layer, 'weight', None)
    if not isinstance(weight, Tensor) or weight.ndim < 2:
        return None
    return {'input': weight.shape[1], 'output': weight.shape[0]}
