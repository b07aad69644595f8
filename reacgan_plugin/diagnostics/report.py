"""Everything that can be read off a model on one batch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.utils import parametrize

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.diagnostics.classes import (
    class_layer,
    class_vectors,
    gradient_norm,
)
from reacgan_plugin.diagnostics.pairs import pair_diagnostics
from reacgan_plugin.diagnostics.spectrum import spectral_norms
from reacgan_plugin.distributed import default_group, world_size
from reacgan_plugin.functional.precision import upcast
from reacgan_plugin.functional.sphere import project_to_sphere
from reacgan_plugin.gan.aside import aside
from reacgan_plugin.gan.replay import Randomness, drawn_again
from reacgan_plugin.gan.terms import total


class Seen(NamedTuple):
    """A batch as the discriminator sees it."""

    features: Tensor  # (N, C) of the backbone, before a head normalises them
    output: DiscriminatorOutput


def diagnose(gan: nn.Module, data: dict) -> dict[str, Tensor]:
    """Diagnostics of the discriminator update that a model is about to begin.

    Of the first micro-batch, its real images and the fakes that the update will draw,
    in float32, before any technique. Every process of a group must call it. Neither
    the model nor random numbers change.

    Args:
        gan: a :class:`~reacgan_plugin.gan.model.ConditionalGAN`.
        data: what the next ``train_step`` gets.

    Returns: scalars on the device, means over processes; those that the conditioning
    has no part for are absent.
        feature_norm, feature_norm_fake: mean L2 norm of the features F(x).
        class_gradient_norm: of the class terms ``loss_conditioning...`` for what stands
            for the classes, see :func:`~.classes.class_layer`.
        class_gradient_norm_whole: of the discriminator's whole loss for the same.
        class_accuracy, class_accuracy_fake: share of samples whose own class, or the
            proxy of it, is nearest.
        logit_margin_real, logit_margin_fake: mean logit of reals, and minus that of
            fakes; negative on the wrong side.
        positive_cosine and so on: see :func:`~.pairs.pair_diagnostics`; of reals.
        discriminator_spectral_norm_min, ..._max, generator_...: largest singular
            values of weights.
    """
    image, label, z, fake_label = _first_micro_batch(gan, data)
    networks = gan.discriminator, gan.generator
    with drawn_again(Randomness(image), image), aside(networks[0]), aside(networks[1]):
        with torch.no_grad():
            fake_image = upcast(gan.generator(z, fake_label))
        with parametrize.cached():  # of which the gradients below are taken
            real = _seen(gan.discriminator, image, label, fake=False)
            fake = _seen(gan.discriminator, fake_image, fake_label, fake=True)
            fake = fake._replace(output=fake.output._replace(z=z))
            found = {
                **_norms_and_margins(real, fake),
                **_gradients(gan, real.output, fake.output),
                **_accuracies(gan, real.output, fake.output),
                **_pairs(gan.loss, real.output),
            }
        found.update(_spectra(gan))
    return _over_processes(found)


def _first_micro_batch(gan, data: dict) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    data = gan.data_preprocessor(data)
    rows = len(data['image']) // gan.d_updates  # of the first update
    own = slice(rows // gan.accumulation)
    image, label = data['image'][own], data['label'][own]
    z, fake_label = (drawn[0][own] for drawn in gan.draw_latents(rows))
    if gan.adversarial_loss.shares_labels:
        fake_label = label
    return image, label, z, fake_label


def _seen(discriminator, image: Tensor, label: Tensor, *, fake: bool) -> Seen:
    """One pass, of which the head alone keeps a graph."""
    with torch.no_grad():
        features = upcast(discriminator.backbone(image))
    return Seen(features, discriminator.head(features, label, fake=fake))


def _norms_and_margins(real: Seen, fake: Seen) -> dict[str, Tensor]:
    return {
        'feature_norm': real.features.norm(dim=1).mean(),
        'feature_norm_fake': fake.features.norm(dim=1).mean(),
        'logit_margin_real': real.output.realness.mean(),
        'logit_margin_fake': -fake.output.realness.mean(),
    }


def _gradients(gan, real, fake) -> dict[str, Tensor]:
    layer = class_layer(gan.discriminator.head)
    if layer is None or not any(p.requires_grad for p in layer.parameters()):
        return {}
    terms = gan.loss.discriminator(real, fake)
    whole = gan.adversarial_loss.discriminator(real, fake) + total(terms)
    of_class = {k: v for k, v in terms.items() if k.startswith('loss_conditioning')}
    losses = {'class_gradient_norm_whole': whole}
    if of_class:
        losses['class_gradient_norm'] = total(of_class)
    group = default_group()
    return {k: gradient_norm(loss, layer, group=group) for k, loss in losses.items()}


def _accuracies(gan, real, fake) -> dict[str, Tensor]:
    found = {}
    with torch.no_grad():
        for name, output in (('', real), ('_fake', fake)):
            logits, label = _class_logits(gan.discriminator.head, output), output.label
            if logits is None:
                return {}
            if logits.shape[1] == 2 * gan.num_classes:  # of ADC: 2y; 2y + 1 for fakes
                label = 2 * label + int(name == '_fake')
            hit = logits.argmax(1) == label
            found[f'class_accuracy{name}'] = hit.float().mean()
    return found


def _class_logits(head, output: DiscriminatorOutput) -> Tensor | None:
    """(N, K) scores of classes, as far as a method compares classes at all."""
    if output.embedding is not None:
        return output.embedding @ project_to_sphere(class_vectors(head)).T
    if output.logits.ndim == 2:  # of multi-hinge
        return output.logits
    return output.class_logits


def _pairs(loss, real: DiscriminatorOutput) -> dict[str, Tensor]:
    if real.embedding is None:
        return {}
    while hasattr(loss, 'method'):  # the inner one of a wrapper
        loss = loss.method
    return pair_diagnostics(
        real.embedding,
        real.proxy,
        real.label,
        temperature=getattr(loss, 'temperature', 1.0),
        margin=getattr(loss, 'margin', None),
        group=default_group() if getattr(loss, 'gather', False) else None,
        uneven=getattr(loss, 'uneven', False),
    )


def _spectra(gan) -> dict[str, Tensor]:
    found = {}
    for name in ('discriminator', 'generator'):
        norms = spectral_norms(getattr(gan, name))
        if len(norms):
            found[f'{name}_spectral_norm_min'] = norms.min()
            found[f'{name}_spectral_norm_max'] = norms.max()
    return found


def _over_processes(found: dict[str, Tensor]) -> dict[str, Tensor]:
    values = torch.stack([value.detach().float() for value in found.values()])
    if world_size() > 1:
        dist.all_reduce(values)
        values /= world_size()
    return dict(zip(found, values.unbind(), strict=True))
