"""A stock discriminator with a head: its trunk stays, the classes are ours."""

from __future__ import annotations

import functools

from torch import Tensor, nn
from torch.nn.utils import parametrize

from reacgan_plugin.backbones.stylegan2_layers import EqualisedLayers
from reacgan_plugin.conditioning.base import Conditioning, DiscriminatorOutput

# the layer that reads pooled features, and the kit of weights that go with it
LAST_LAYERS = {'decision': None, 'final_linear.1': EqualisedLayers}


class WithHead:
    """Put before a stock discriminator class: ``forward`` answers with a
    :class:`DiscriminatorOutput`, of the features that its last layer reads.

    Trunk, names in the state dict and, where the method wants one real/fake logit, the
    last layer are the stock ones; the head is a module inside, so that optimizer,
    freezing, DDP and checkpoints see it.
    """

    def forward(
        self, x: Tensor, label: Tensor, *, fake: bool = False
    ) -> DiscriminatorOutput:
        with parametrize.cached():  # one spectral norm iteration a pass
            if self.head.adversarial is not None:
                return self.head(super().forward(x), label, fake=fake)
            seen: list[Tensor] = []
            handle = self.get_submodule(self.last_layer).register_forward_pre_hook(
                lambda module, inputs: seen.append(inputs[0])
            )
            try:
                scores = super().forward(x)
            finally:
                handle.remove()
            return self.head(seen[0], label, fake=fake, scores=scores)


def give_head(discriminator: nn.Module, loss: Conditioning, num_classes: int) -> None:
    """Turn a stock discriminator into one that ``loss`` can train, in place.

    Args:
        discriminator: mmagic's, of BigGAN, BigGAN-deep, SAGAN, SNGAN or StyleGAN2.
        loss: brings the head.
        num_classes: K.

    Raises: ValueError for a discriminator without a known last layer, or one that has
    another conditioning built in that cannot be taken out.
    """
    name = _last_layer(discriminator)
    last = discriminator.get_submodule(name)
    if hasattr(discriminator, 'mapping'):
        raise ValueError(
            'model.discriminator.cond_size: leave it out; model.loss brings the '
            "classes, dict(type='SPD') those of conditional StyleGAN2"
        )
    if hasattr(discriminator, 'proj_y'):  # unused, it would stop DDP
        del discriminator.proj_y
        discriminator.num_classes = 0
    kit = LAST_LAYERS[name]
    width = getattr(last, 'linear', last).in_features
    head = loss.build_head(width, num_classes, layers=kit and kit())
    if head.width(num_classes) == 1:
        head.take_scores()
    else:  # several numbers: the stock layer gives one, so the head has its own
        parent, _, attribute = name.rpartition('.')
        setattr(discriminator.get_submodule(parent), attribute, nn.Identity())
    discriminator.head, discriminator.last_layer = head, name
    discriminator.__class__ = _with_head(type(discriminator))


def _last_layer(discriminator: nn.Module) -> str:
    names = dict(discriminator.named_modules())
    for name in LAST_LAYERS:
        if name in names:
            return name
    raise ValueError(
        f'model.discriminator is a {type(discriminator).__name__} without one of the '
        f"layers {', '.join(LAST_LAYERS)}, which mmagic's BigGANDiscriminator, "
        'BigGANDeepDiscriminator, SAGANDiscriminator and StyleGAN2Discriminator have'
    )


@functools.cache
def _with_head(stock: type) -> type:
    return type(stock.__name__, (WithHead, stock), {})
