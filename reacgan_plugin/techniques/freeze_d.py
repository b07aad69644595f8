"""FreezeD (Mo et al. 2020, "Freeze the Discriminator: a Simple Baseline for Fine-Tuning
GANs"): the lower layers of a pretrained discriminator stay as they are."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.utils.parametrize import ParametrizationList

from reacgan_plugin.gan.technique import Technique

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class FreezeD(Technique):
    """The first blocks of the discriminator's backbone keep their weights, those that
    look at pixels; for fine-tuning, with ``load_from`` in the config.

    Args:
        layers: number of blocks, attention among them counting as one. What stands
            before them, a first convolution, is frozen too; their batch norms and
            spectral norms go on as in training.

    Blocks are what the backbone, or the network that it is around, calls ``blocks``;
    or else its children with weights, in order, those in a Sequential, ModuleList or
    ModuleDict one by one.
    Raises: ValueError, in a model, for a number that the backbone does not have, and
    for a backbone whose first blocks are fixed already, such as projected GANs'.
    """

    def __init__(self, *, layers: int):
        super().__init__()
        self.layers = layers

    def check(self, gan: nn.Module) -> None:
        backbone = gan.discriminator.backbone
        name, blocks = type(backbone).__name__, blocks_of(backbone)
        if self.layers not in range(1, len(blocks) + 1):
            raise ValueError(
                f'FreezeD.layers={self.layers!r}; {name} has {len(blocks)} blocks, '
                f'allowed: 1..{len(blocks)}'
            )
        if not any(parameter.requires_grad for parameter in blocks[0].parameters()):
            raise ValueError(
                f'FreezeD freezes the first blocks, but those of {name} are not '
                'trained anyway; remove it'
            )
        freeze_up_to(blocks[self.layers - 1], backbone)

    def extra_repr(self) -> str:
        return f'layers={self.layers}'


def freeze_up_to(block: nn.Module, backbone: nn.Module) -> None:
    """Freeze the backbone's parameters, in their order, up to the block's last one."""
    own = {id(parameter) for parameter in block.parameters()}
    parameters = list(backbone.parameters())
    end = max(i for i, parameter in enumerate(parameters) if id(parameter) in own)
    for parameter in parameters[: end + 1]:
        parameter.requires_grad_(False)


def blocks_of(network: nn.Module) -> list[nn.Module]:
    """The network's blocks in order; see :class:`FreezeD`."""
    blocks = getattr(network, 'blocks', None)
    if isinstance(blocks, CONTAINERS):
        return list(_with_weights(blocks))
    children = list(_with_weights(network))
    if len(children) != 1:
        return children
    return blocks_of(children[0]) or children  # a wrapper's blocks are those inside


def _with_weights(module: nn.Module) -> Iterator[nn.Module]:
    """Children that have parameters; instead of a container those in it."""
    for child in module.children():
        if isinstance(child, CONTAINERS):
            yield from _with_weights(child)
        elif (
            not isinstance(child, ParametrizationList)
            and next(child.parameters(), None) is not None
        ):
            yield child
