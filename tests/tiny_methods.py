"""Every conditioning in its least width, and what its terms are read from."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from reacgan_plugin.conditioning import (
    AC,
    ADC,
    MD,
    MH,
    PD,
    SPD,
    TAC,
    ConditionalContrastiveLoss,
    D2DCELoss,
    DiscriminatorOutput,
    Info,
    Unconditional,
)
from reacgan_plugin.gan.adversarial import Hinge

CLASSES, FEATURES = 3, 6
LABEL = torch.tensor([0, 1, 2, 1])
CODES = dict(discrete=1, categories=2, continuous=1)  # three entries of z
PLAIN = {
    'D2DCE': partial(D2DCELoss, embed_dim=5),
    '2C': partial(ConditionalContrastiveLoss, embed_dim=5),
    'AC': AC,
    'AC features': partial(AC, normalize='features'),
    'AC both': partial(AC, normalize='both'),
    'PD': PD,
    'SPD': SPD,
    'MD': MD,
    'MH': MH,
    'Unconditional': Unconditional,
}
CLASSIFIERS = ('D2DCE', '2C', 'AC')  # with a term of their own, which TAC and ADC wrap


def around(wrapper, inner, **own):
    """Makes a wrapper around what ``inner`` makes, which takes the options."""
    return lambda **options: wrapper(inner(**options), **own)


WRAPPED = {
    **{f'TAC({name})': around(TAC, PLAIN[name]) for name in CLASSIFIERS},
    **{f'ADC({name})': around(ADC, PLAIN[name]) for name in CLASSIFIERS},
    **{
        f'Info({name})': around(Info, PLAIN[name], **CODES)
        for name in ('D2DCE', 'AC both', 'PD', 'MH', 'Unconditional')
    },
}
NESTED = {
    'Info(TAC(AC))': around(Info, WRAPPED['TAC(AC)'], **CODES),
    'Info(ADC(D2DCE))': around(Info, WRAPPED['ADC(D2DCE)'], **CODES),
}
METHODS = {**PLAIN, **WRAPPED, **NESTED}


def built(name: str, **options):
    """A method's loss and its head."""
    loss = METHODS[name](**options)
    return loss, loss.build_head(FEATURES, CLASSES)


def judged(
    head: nn.Module,
    features: Tensor | None = None,
    label: Tensor = LABEL,
    *,
    fake: bool = False,
) -> DiscriminatorOutput:
    """One pass of the head; of fakes with the z that they were made from."""
    features = torch.randn(len(label), FEATURES) if features is None else features
    output = head(features, label, fake=fake)
    return output._replace(z=latent(label)) if fake else output


def generated(
    loss: nn.Module, head: nn.Module, features: Tensor, label: Tensor = LABEL
) -> DiscriminatorOutput:
    """What the generator's terms are taken of."""
    output = loss.judge_generated(head, features, label)
    return output._replace(z=latent(label))


def latent(label: Tensor) -> Tensor:
    """A z of four entries that does not depend on the global seed."""
    random = torch.Generator().manual_seed(0)
    return torch.randn(len(label), 4, generator=random)


def discriminator_objective(loss, real, fake) -> Tensor:
    """All that the discriminator minimises, beside a hinge loss."""
    adversarial = loss.adversarial(Hinge()).discriminator(real, fake)
    return adversarial + total(loss.discriminator(real, fake))


def generator_objective(loss, fake, real) -> Tensor:
    """All that the generator minimises, beside a hinge loss."""
    adversarial = loss.adversarial(Hinge()).generator(fake, real)
    return adversarial + total(loss.generator(fake, real))


def total(terms: dict[str, Tensor]) -> Tensor:
    return sum(terms.values(), torch.zeros(()))


def shapes(module: nn.Module) -> dict[str, tuple]:
    """Shapes of a state dict by name."""
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}
