"""What wraps a conditioning: its head grows, its terms are taken more than once."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from reacgan_plugin.conditioning.acgan import AC
from reacgan_plugin.conditioning.base import Conditioning, DiscriminatorOutput


class Wrapper(Conditioning):
    """A conditioning around another one.

    Args:
        method: the inner conditioning or its config, ``dict(type='D2DCE')``; AC when
            there is none.

    Subclasses name an ``extension``: a class that is put before the method's head
    class, so that names of the head's weights stay as they are without the wrapper.
    """

    extension: type

    def __init__(self, method: Conditioning | dict | None = None):
        super().__init__()
        self.method = method = _built(method)
        self.check(method)
        self.head_options = method.head_options
        plain = getattr(method.head_class, 'plain_head', method.head_class)
        bases = (self.extension, method.head_class)
        self.head_class = type(self.extension.__name__, bases, dict(plain_head=plain))
        self.needs_real = method.needs_real

    def check(self, method: Conditioning) -> None:
        """ValueError for a method that this cannot go around; here its own kind."""
        if isinstance(method, type(self)):
            name = type(self).__name__
            raise ValueError(f'{name} around {name}: once is enough')

    def adversarial(self, adversarial_loss: nn.Module) -> nn.Module:
        return self.method.adversarial(adversarial_loss)

    def judge_generated(self, discriminator, image, label) -> DiscriminatorOutput:
        return self.method.judge_generated(discriminator, image, label)

    def extra_repr(self) -> str:
        return ''


class ClassifierWrapper(Wrapper):
    """A wrapper of a method with a class term of its own: AC, 2C, D2DCE.

    Raises: ValueError for another method.
    """

    def check(self, method: Conditioning) -> None:
        if not method.classifies:
            raise ValueError(
                f'{type(self).__name__} around {type(method).__name__}: it wraps '
                'methods with a class term of their own, AC, 2C and D2DCE'
            )


def _built(method) -> Conditioning:
    if method is None:
        return AC()
    if isinstance(method, Conditioning):
        return method
    # which import this module; and the registry, which only a user's own type needs,
    # imports mmengine
    from reacgan_plugin.conditioning.names import CONDITIONINGS

    if not isinstance(method, Mapping):
        raise ValueError(
            f'method={method!r}; allowed: a conditioning or its config, '
            "dict(type='D2DCE')"
        )
    if method.get('type') in CONDITIONINGS:
        options = {k: v for k, v in method.items() if k not in ('type', '_scope_')}
        return CONDITIONINGS[method['type']](**options)
    from reacgan_plugin.registry import built_conditioning

    return built_conditioning(method, key='model.loss.method')
