"""What a step hands to techniques, made without a step."""

from __future__ import annotations

from torch import Tensor

from reacgan_plugin.gan.technique import Judged


def judged_by_discriminator(
    model, data: dict[str, Tensor], z: Tensor, fake_label: Tensor
) -> Judged:
    """Real samples of a batch and fakes of z, in the discriminator's update."""
    rows = (data['image'], data['label'], z, fake_label)
    return model.objectives['discriminator'].outputs(*rows)


def judged_for_generator(model, z: Tensor, label: Tensor, *real: Tensor) -> Judged:
    """Fakes of z in the generator's update; ``real`` is image and label, if any."""
    return model.objectives['generator'].outputs(z, label, *real)
