"""The training step of mmagic's GANs under one of our conditionings.

Networks, average, preprocessing, sampling and the order of updates stay mmagic's; the
terms of both objectives are ours.
"""

from __future__ import annotations

from mmagic.models.base_models import BaseConditionalGAN
from mmagic.models.losses import r1_gradient_penalty_loss
from mmagic.models.losses.gan_loss import gen_path_regularizer
from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine.logging import MessageHub
from mmengine.model import is_model_wrapper
from torch import Tensor, no_grad

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.conditioning.names import CONDITIONINGS
from reacgan_plugin.gan.terms import merged
from reacgan_plugin.integrations.mmagic.discriminator import give_head
from reacgan_plugin.integrations.mmagic.generator import take_labels
from reacgan_plugin.registry import (
    MODELS,
    build,
    built_conditioning,
    check_keywords,
    check_type,
)


class ConditionedGAN:
    """Put before a stock model class by ``accept_loss``.

    Args:
        loss: a conditioning or its config, ``dict(type='D2DCE')``.
        adversarial_loss: the real/fake part or its config; the stock model's own by
            default.

    Everything else is the stock class's.
    Raises: ValueError for an unknown loss, and for a user's subclass whose own losses
    or updates would be lost without a word.
    """

    stock_adversarial_loss: str

    def _condition(self, loss, adversarial_loss) -> None:
        """Build the loss and give the discriminator its head."""
        _refuse_what_would_be_lost(type(self))
        for key in ('num_classes', 'discriminator'):
            if not getattr(self, key):
                raise ValueError(f'model.{key} is missing; model.loss needs it')
        for key, entry in [('loss', loss), ('adversarial_loss', adversarial_loss)]:
            if isinstance(entry, dict):
                check_type(MODELS, entry, f'model.{key}', _known(key))
                check_keywords(MODELS, entry, f'model.{key}')
        self.conditioning = built_conditioning(loss)
        given = build(MODELS, adversarial_loss or {'type': self.stock_adversarial_loss})
        self.adversarial_loss = self.conditioning.adversarial(given)
        self.needs_real = (
            self.adversarial_loss.needs_real or self.conditioning.needs_real
        )
        _check_codes(self.conditioning, self.noise_size)
        give_head(self.discriminator, self.conditioning, self.num_classes)

    def train_discriminator(
        self, inputs: dict, data_samples, optimizer_wrapper
    ) -> dict[str, Tensor]:
        """One update of the discriminator; returns its terms for the log."""
        image, label = self._real(data_samples)
        z = self.noise_fn(num_batches=len(image))
        fake_label = self._fake_label(label)
        with no_grad():
            fake_image = self._generate(z, fake_label)
        fake = self.discriminator(fake_image, fake_label, fake=True)._replace(z=z)
        real = self.discriminator(image, label)
        self._note(real)
        terms = merged(
            {'loss_adversarial': self.adversarial_loss.discriminator(real, fake)},
            self.conditioning.discriminator(real, fake),
            self._discriminator_penalty(image, label),
        )
        return self._update(optimizer_wrapper, 'disc', terms)

    def train_generator(
        self, inputs: dict, data_samples, optimizer_wrapper
    ) -> dict[str, Tensor]:
        """One update of the generator; returns its terms for the log."""
        image, image_label = self._real(data_samples)
        z = self.noise_fn(num_batches=len(image))
        label = self._fake_label(image_label)
        # frozen here, so its DDP wrapper would wait for gradients that never come
        discriminator = _unwrapped(self.discriminator)
        fake = self.conditioning.judge_generated(
            discriminator, self._generate(z, label, learning=True), label
        )._replace(z=z)
        real = discriminator(image, image_label) if self.needs_real else None
        terms = merged(
            {'loss_adversarial': self.adversarial_loss.generator(fake, real)},
            self.conditioning.generator(fake, real),
            self._generator_penalty(len(image)),
        )
        return self._update(optimizer_wrapper, 'gen', terms)

    def _real(self, data_samples) -> tuple[Tensor, Tensor]:
        label = self.data_sample_to_label(data_samples)
        if label is None:
            raise ValueError(
                'model.loss needs the class of every image, but the data samples have '
                'no gt_label; their data set or pipeline leaves it out'
            )
        return data_samples.gt_img, label

    def _fake_label(self, label: Tensor) -> Tensor:
        if self.adversarial_loss.shares_labels:
            return label
        return self.label_fn(num_batches=len(label))

    def _generate(self, z: Tensor, label: Tensor, *, learning: bool = False) -> Tensor:
        return self.generator(noise=z, label=label, return_noise=False)

    def _note(self, real: DiscriminatorOutput) -> None:
        """Called with what D says of the real batch."""

    def _discriminator_penalty(self, image: Tensor, label: Tensor) -> dict:
        return {}

    def _generator_penalty(self, rows: int) -> dict:
        return {}

    def _update(self, optimizer_wrapper, name: str, terms: dict) -> dict:
        prefixed = {
            f'loss_{name}_{key.removeprefix("loss_")}'
            if key.startswith('loss_')
            else f'{name}_{key}': value
            for key, value in terms.items()
        }
        loss, logs = self.parse_losses(prefixed)
        optimizer_wrapper.update_params(loss)
        return logs


class ConditionedBigGAN(ConditionedGAN):
    """BigGAN, BigGAN-deep, SAGAN and SNGAN, which are conditional already."""

    stock_adversarial_loss = 'Hinge'

    def __init__(self, *args, loss, adversarial_loss=None, **settings):
        super().__init__(*args, **settings)
        self._condition(loss, adversarial_loss)

    def data_sample_to_label(self, data_sample) -> Tensor | None:
        """Labels (N,); the stock method gives (N, 1)."""
        return _flat(super().data_sample_to_label(data_sample))


class ConditionedStyleGAN2(ConditionedGAN):
    """Class-conditional StyleGAN2, which stock mmagic lacks.

    Args:
        num_classes: K; the generator gets a ``cond_size`` of it. May be left out where
            the generator's config has one.

    R1 and path length stay mmagic's, with the settings of ``loss_config``; R1 is taken
    of the logits under the real labels.
    """

    stock_adversarial_loss = 'Logistic'
    label_fn = BaseConditionalGAN.label_fn
    forward = BaseConditionalGAN.forward

    def __init__(
        self,
        generator,
        *args,
        loss,
        num_classes: int | None = None,
        adversarial_loss=None,
        **settings,
    ):
        if isinstance(generator, dict):
            num_classes = num_classes or generator.get('cond_size')
            generator = {'cond_size': num_classes, **generator}
            generator = MMAGIC_MODELS.build(generator)
        num_classes = num_classes or getattr(generator, 'cond_size', None)
        if not num_classes:
            raise ValueError('model.num_classes is missing: model.loss needs it')
        take_labels(generator, num_classes)  # before its average is made
        super().__init__(generator, *args, **settings)
        self.num_classes = num_classes  # not before: D would be built with it
        self._condition(loss, adversarial_loss)

    def data_sample_to_label(self, data_sample) -> Tensor | None:
        """Labels (N,) of a batch, if it has any."""
        return _flat(BaseConditionalGAN.data_sample_to_label(self, data_sample))

    def _note(self, real: DiscriminatorOutput) -> None:
        # adaptive augmentation reads it
        hub = MessageHub.get_current_instance()
        hub.update_info('disc_pred_real', real.logits.detach())

    def _generate(self, z: Tensor, label: Tensor, *, learning: bool = False) -> Tensor:
        # the mean style of truncation is that of the generator's own updates
        return self.generator(z, label=label, return_noise=False, update_ws=learning)

    def _discriminator_penalty(self, image: Tensor, label: Tensor) -> dict:
        if _iteration() % self.r1_interval:
            return {}
        discriminator = _unwrapped(self.discriminator)
        penalty = r1_gradient_penalty_loss(
            lambda x: discriminator(x, label).logits,
            image,
            norm_mode=self.norm_mode,
            use_apex_amp=self.r1_use_apex_amp,
        )
        return {'loss_r1_gp': self.r1_loss_weight * penalty}

    def _generator_penalty(self, rows: int) -> dict:
        if _iteration() % self.g_reg_interval:
            return {}
        penalty, self.mean_path_length, _ = gen_path_regularizer(
            self.generator,
            rows,
            self.mean_path_length,
            pl_batch_shrink=self.pl_batch_shrink,
            use_apex_amp=self.g_reg_use_apex_amp,
        )
        return {'loss_path_regular': self.g_reg_weight * penalty}


def _refuse_what_would_be_lost(kind: type) -> None:
    """ValueError for a user's subclass with losses or updates of its own."""
    stock = next(c for c in kind.mro() if '__new__' in vars(c))
    between = [
        c
        for c in kind.mro()
        if issubclass(c, stock) and c is not stock and not issubclass(c, ConditionedGAN)
    ]
    for name in ('disc_loss', 'gen_loss', 'train_discriminator', 'train_generator'):
        for found in (c for c in between if name in vars(c)):
            raise ValueError(
                f'{found.__name__}.{name} would be replaced by model.loss; remove it, '
                f'or leave model.loss out'
            )


def _check_codes(conditioning, noise_size: int) -> None:
    sizes = getattr(conditioning, 'sizes', None)
    if sizes is not None and noise_size < sizes.latent:
        raise ValueError(
            f'the noise is {noise_size} wide; the codes of model.loss take '
            f'{sizes.latent} of it'
        )


def _known(key: str):
    return CONDITIONINGS if key == 'loss' else ()


def _flat(label: Tensor | None) -> Tensor | None:
    return None if label is None else label.reshape(-1)


def _iteration() -> int:
    return MessageHub.get_current_instance().get_info('iter')


def _unwrapped(network):
    return network.module if is_model_wrapper(network) else network
