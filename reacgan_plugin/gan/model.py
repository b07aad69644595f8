"""The training step of a class-conditional GAN.

Which terms exist is decided by the objects that were built: the adversarial loss, the
conditioning and a list of techniques. Letters: N rows of this rank in one update, Z
width of z, S image side.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from reacgan_plugin import distributed
from reacgan_plugin.conditioning.base import DiscriminatorOutput
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.gan.ema import averaged_copy, ema_settings, update_average
from reacgan_plugin.gan.parallel import Parallel
from reacgan_plugin.gan.randomness import draw_latents, seed_iteration
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.layers import untracked_statistics
from reacgan_plugin.options import one_of
from reacgan_plugin.registry import BACKBONES, MODELS, build, build_conditioning

PRECISIONS = {None: None, 'bf16': torch.bfloat16}


class ConditionalGAN(BaseModel):
    """Generator, discriminator and everything that one training iteration does.

    Args:
        generator: module or config; (z (N, Z), label (N,)) -> image in [-1, 1]. It has
            ``z_dim``.
        discriminator: backbone module or config, image -> features, with
            ``out_channels``; or a whole :class:`Discriminator`.
        loss: conditioning or config, ``dict(type='D2DCE')``; it brings the head.
        num_classes: K.
        adversarial_loss: component or config, ``dict(type='Hinge')``.
        techniques: list of :class:`Technique` or configs.
        ema: ``dict(decay=..., start=...)`` for an average of the generator, which
            copies until iteration ``start``; None: no average.
        d_updates: discriminator updates in an iteration.
        accumulation: micro-batches in an update, whose gradients are averaged;
            negatives and batch statistics stay inside a micro-batch.
        seed: of z, labels and everything drawn in a step.
        amp: None, or ``'bf16'`` for autocast of the networks; losses stay float32.
        channels_last: memory format of convolutions; the faster one on CPU and GPU.

    Raises: ValueError for options or types that are not known.
    """

    def __init__(
        self,
        generator: nn.Module | dict,
        discriminator: nn.Module | dict,
        loss: nn.Module | dict,
        *,
        num_classes: int,
        adversarial_loss: nn.Module | dict | None = None,
        techniques: Sequence[Technique | dict] = (),
        ema: dict | None = None,
        d_updates: int = 1,
        accumulation: int = 1,
        seed: int = 0,
        amp: str | None = None,
        channels_last: bool = True,
        data_preprocessor: nn.Module | dict | None = None,
    ):
        preprocessor = data_preprocessor or {'type': 'ImagePreprocessor'}
        super().__init__(build(MODELS, preprocessor))
        self.num_classes = num_classes
        self.d_updates, self.accumulation = d_updates, accumulation
        self.seed, self.iteration = seed, 0
        self.amp = one_of('model.amp', amp, PRECISIONS)
        self.generator = build(BACKBONES, generator)
        backbone = build(BACKBONES, discriminator)
        self.loss, self.discriminator = _conditioned(backbone, loss, num_classes)
        self.adversarial_loss = build(MODELS, adversarial_loss or {'type': 'Hinge'})
        self.techniques = nn.ModuleList(build(MODELS, t) for t in techniques)
        if channels_last:
            self.generator.to(memory_format=torch.channels_last)
            self.discriminator.to(memory_format=torch.channels_last)
        self.ema = ema_settings(ema)
        self.generator_ema = averaged_copy(self.generator) if self.ema else None
        self.parallel = Parallel()

    def train_step(self, data: dict, optim_wrapper) -> dict[str, Tensor]:
        """One iteration: ``d_updates`` discriminator updates, one of the generator.

        Args:
            data: image (d_updates x N, 3, S, S) and label (d_updates x N,) of this
                rank; update u takes the rows from u x N on.
            optim_wrapper: a mapping with ``generator`` and ``discriminator``.

        Returns: detached terms by name, ``d/...`` of the last discriminator update
        and ``g/...``; tensors on the device, so that nothing waits for it.
        """
        data = self.data_preprocessor(data, training=True)
        images = data['image'].chunk(self.d_updates)
        labels = data['label'].chunk(self.d_updates)
        seed_iteration(self.seed, self.iteration, distributed.rank())
        z, fake_label = self.draw_latents(len(images[0]))
        for update, (image, label) in enumerate(zip(images, labels, strict=True)):
            d_terms = self.update_discriminator(
                image, label, z[update], fake_label[update], optim_wrapper
            )
        g_terms = self.update_generator(
            z[-1], fake_label[-1], optim_wrapper, images[-1], labels[-1]
        )
        outputs = {f'd/{name}': value for name, value in d_terms.items()}
        outputs.update((f'g/{name}', value) for name, value in g_terms.items())
        for technique in self.techniques:
            technique.after_update(outputs)
        self.update_ema()
        self.iteration += 1
        return outputs

    def update_discriminator(
        self, image: Tensor, label: Tensor, z: Tensor, fake_label: Tensor, optim_wrapper
    ) -> dict[str, Tensor]:
        """Zero, accumulate and step the discriminator; returns its detached terms."""
        self.discriminator.requires_grad_(True)
        return self._update(
            'discriminator',
            self.discriminator_terms,
            (image, label, z, fake_label),
            optim_wrapper,
        )

    def update_generator(
        self,
        z: Tensor,
        label: Tensor,
        optim_wrapper,
        image: Tensor | None = None,
        image_label: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Zero, accumulate and step the generator; returns its detached terms."""
        rows = (z, label)
        if self.adversarial_loss.needs_real:
            rows += (image, image_label)
        # frozen and unwrapped: else DDP would wait for gradients that never come
        self.discriminator.requires_grad_(False)
        with untracked_statistics(self.discriminator):
            terms = self._update('generator', self.generator_terms, rows, optim_wrapper)
        self.discriminator.requires_grad_(True)
        return terms

    def discriminator_terms(
        self, image: Tensor, label: Tensor, z: Tensor, fake_label: Tensor
    ) -> dict[str, Tensor]:
        """Weighted terms whose sum the discriminator minimises, for one micro-batch."""
        with self._autocast(image):
            z = self._latent(z, fake_label)
            # running statistics of a network belong to its own updates
            with torch.no_grad(), untracked_statistics(self.generator):
                fake_image = self.generator(z, fake_label)
            for technique in self.techniques:
                image, fake_image = technique.images(image, fake_image)
            discriminator = self.parallel.forward_of(
                'discriminator', self.discriminator
            )
            real = discriminator(image, label)
            fake = discriminator(fake_image, fake_label, fake=True)
        terms = {'loss_adversarial': self.adversarial_loss.discriminator(real, fake)}
        terms.update(self.loss.discriminator(real, fake))
        for technique in self.techniques:
            terms.update(
                technique.discriminator_terms(self, image, fake_image, real, fake)
            )
        return {**terms, **_logit_means(real=real, fake=fake)}

    def generator_terms(
        self,
        z: Tensor,
        label: Tensor,
        image: Tensor | None = None,
        image_label: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Weighted terms whose sum the generator minimises, for one micro-batch."""
        with self._autocast(z):
            z = self._latent(z, label)
            generator = self.parallel.forward_of('generator', self.generator)
            fake_image = generator(z, label)
            shown = fake_image
            for technique in self.techniques:
                image, shown = technique.images(image, shown)
            fake = self.discriminator(shown, label, fake=True)
            real = None if image is None else self.discriminator(image, image_label)
        for technique in self.techniques:
            fake = technique.select(fake)
        terms = {'loss_adversarial': self.adversarial_loss.generator(fake, real)}
        terms.update(self.loss.generator(fake, real))
        for technique in self.techniques:
            terms.update(technique.generator_terms(self, z, fake_image, fake))
        return terms

    def draw_latents(self, rows: int) -> tuple[Tensor, Tensor]:
        """z (updates, N, Z) and labels (updates, N) of this iteration and rank; the
        last update is the generator's."""
        z, label = draw_latents(
            seed=self.seed,
            iteration=self.iteration,
            updates=self.d_updates + 1,
            accumulation=self.accumulation,
            micro_batch=rows // self.accumulation,
            z_dim=self.generator.z_dim,
            num_classes=self.num_classes,
            rank=distributed.rank(),
            world_size=distributed.world_size(),
        )
        device = self.data_preprocessor.device
        return z.to(device, non_blocking=True), label.to(device, non_blocking=True)

    def update_ema(self) -> None:
        """Move the generator's average; a copy until its start iteration."""
        if self.generator_ema is not None:
            started = self.iteration >= self.ema['start']
            decay = self.ema['decay'] if started else 0.0
            update_average(self.generator_ema, self.generator, decay)

    def distribute(self) -> None:
        """Train on all processes of the process group from now on."""
        for name in ('generator', 'discriminator'):
            self.parallel.wrap(name, getattr(self, name))

    @torch.no_grad()
    def forward(self, z: Tensor, label: Tensor, mode: str = 'tensor') -> Tensor:
        """Images (N, 3, S, S) in [-1, 1] of the averaged generator if there is one,
        with running batch statistics."""
        averaged = self.generator_ema
        network = self.generator if averaged is None else averaged
        training = network.training
        network.eval()
        image = network(z, label)
        network.train(training)
        return image

    def train(self, mode: bool = True) -> ConditionalGAN:
        super().train(mode)
        if self.generator_ema is not None:
            self.generator_ema.eval()
        return self

    def get_extra_state(self) -> dict:
        return {'iteration': self.iteration}

    def set_extra_state(self, state: dict) -> None:
        self.iteration = state['iteration']

    def _update(self, name: str, terms_of, rows, optim_wrapper) -> dict[str, Tensor]:
        optimizer = _pick(optim_wrapper, name)
        optimizer.zero_grad()
        parts = list(zip(*(r.chunk(self.accumulation) for r in rows), strict=True))
        totals: dict[str, Tensor] = {}
        for number, part in enumerate(parts, start=1):
            with self.parallel.synchronised(name, last=number == len(parts)):
                terms = terms_of(*part)
                losses = [v for k, v in terms.items() if k.startswith('loss')]
                loss = sum(losses) / len(parts)
                optimizer.backward(loss)
            for key, value in {'loss': loss * len(parts), **terms}.items():
                totals[key] = totals.get(key, 0) + value.detach() / len(parts)
        optimizer.step()
        self.parallel.average_buffers(name, getattr(self, name))
        return totals

    def _latent(self, z: Tensor, label: Tensor) -> Tensor:
        for technique in self.techniques:
            z = technique.latent(z, label, self)
        return z

    def _autocast(self, like: Tensor):
        return torch.autocast(
            like.device.type, PRECISIONS[self.amp], enabled=self.amp is not None
        )


def _conditioned(backbone: nn.Module, loss, num_classes: int):
    """(loss, discriminator): the backbone under the head that the loss brings."""
    if isinstance(backbone, Discriminator):
        return build(MODELS, loss), backbone
    loss, head = build_conditioning(loss, backbone.out_channels, num_classes)
    return loss, Discriminator(backbone, head)


def _pick(optim_wrapper, name: str):
    """The network's own wrapper, of a mapping of two or given alone."""
    try:
        return optim_wrapper[name]
    except (TypeError, KeyError):
        return optim_wrapper


def _logit_means(**outputs: DiscriminatorOutput) -> dict[str, Tensor]:
    """Mean logits for the log, where they show saturation and collapse."""
    return {f'logit_{k}': o.logits.detach().float().mean() for k, o in outputs.items()}
