"""The training step of mmagic's GANs under one of our conditionings.

Networks, average, preprocessing, sampling and the order of updates stay mmagic's; the
terms of both objectives are ours.
"""

from __future__ import annotations

from mmagic.models.base_models import BaseConditionalGAN
from mmagic.models.losses import r1_gradient_penalty_loss
from mmagic.models.losses.gan_loss import gen_path_regularizer
from mmagic.models.utils import get_valid_num_batches
from mmagic.registry import MODELS as MMAGIC_MODELS
from mmengine.logging import MessageHub
from torch import Tensor, no_grad

from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.config_checks import check_loss
from reacgan_plugin.gan.networks import build_adversarial_loss
from reacgan_plugin.gan.terms import merged
from reacgan_plugin.integrations.mmagic.discriminator import give_head
from reacgan_plugin.integrations.mmagic.generator import take_labels
from reacgan_plugin.integrations.openmmlab import unwrapped
from reacgan_plugin.registry import built_conditioning


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
    users_class: type  # as of the config, the stock class or a subclass of it
    stock_class: type
    replaced = ('disc_loss', 'gen_loss', 'train_discriminator', 'train_generator')

    def _condition(self, loss, adversarial_loss) -> None:
        """Build the loss and give the discriminator its head."""
        self._refuse_what_would_be_lost()
        for key in ('num_classes', 'discriminator'):
            if not getattr(self, key):
                raise ValueError(f'model.{key} is missing; model.loss needs it')
        check_loss(loss, adversarial_loss)
        self.conditioning = built_conditioning(loss)
        given = build_adversarial_loss(adversarial_loss, self.stock_adversarial_loss)
        self.adversarial_loss = self.conditioning.adversarial(given)
        self.needs_real = (
            self.adversarial_loss.needs_real or self.conditioning.needs_real
        )
        _check_codes(self.conditioning, self.noise_size)
        give_head(self.discriminator, self.conditioning, self.num_classes)

    def _refuse_what_would_be_lost(self) -> None:
        for name in self.replaced:
            users = getattr(self.users_class, name, None)
            if users is not getattr(self.stock_class, name, None):
                raise ValueError(
                    f'{self.users_class.__name__}.{name} would be replaced by '
                    'model.loss; remove it, or leave model.loss out'
                )

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
        discriminator = unwrapped(self.discriminator)
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
    replaced = (*ConditionedGAN.replaced, 'label_fn', 'data_sample_to_label')
    label_fn = BaseConditionalGAN.label_fn

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

    def forward(self, inputs, data_samples=None, mode: str | None = None) -> list:
        """Samples of the labels in ``data_samples``, or of drawn ones; the settings in
        ``sample_kwargs``, such as truncation, reach the generator."""
        inputs = dict(inputs) if isinstance(inputs, dict) else dict(noise=inputs)
        settings = dict(inputs.get('sample_kwargs') or {})
        rows = get_valid_num_batches(inputs, data_samples)
        label = self.data_sample_to_label(data_samples)
        label = self.label_fn(label, num_batches=rows)
        inputs['sample_kwargs'] = {**settings, 'label': label}
        samples = super().forward(inputs, data_samples, mode)
        for sample, own in zip(samples, label, strict=True):
            sample.set_gt_label(own)
            sample.sample_kwargs = settings
        return samples

    def _note(self, real: DiscriminatorOutput) -> None:
        # adaptive augmentation reads one number an image, above 0 where it seems real
        logits = real.logits.detach()
        if logits.ndim == 2:  # multi-hinge: the own class against 'fake'
            own = logits.gather(1, real.label[:, None]).squeeze(1)
            logits = own - logits[:, -1]
        MessageHub.get_current_instance().update_info('disc_pred_real', logits)

    def _generate(self, z: Tensor, label: Tensor, *, learning: bool = False) -> Tensor:
        # the mean style of truncation is that of the generator's own updates
        return self.generator(z, label=label, return_noise=False, update_ws=learning)

    def _discriminator_penalty(self, image: Tensor, label: Tensor) -> dict:
        if _iteration() % self.r1_interval:
            return {}
        discriminator = unwrapped(self.discriminator)
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


def _check_codes(conditioning, noise_size: int) -> None:
    sizes = getattr(conditioning, 'sizes', None)
    if sizes is not None and noise_size < sizes.latent:
        raise ValueError(
            f'the noise is {noise_size} wide; the codes of model.loss take '
            f'{sizes.latent} of it'
        )


def _flat(label: Tensor | None) -> Tensor | None:
    return None if label is None else label.reshape(-1)


def _iteration() -> int:
    return MessageHub.get_current_instance().get_info('iter')
