"""The training step of a class-conditional GAN.

Which terms exist is decided by the objects that were built: the adversarial loss, the
conditioning and a list of techniques. Letters: N rows of this rank in one update, Z
width of z.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

import torch
from mmengine.logging import print_log
from mmengine.model import BaseModel
from torch import Tensor, nn

from reacgan_plugin import distributed
from reacgan_plugin.gan.accumulation import UPDATES
from reacgan_plugin.gan.compiled import compile_network
from reacgan_plugin.gan.ema import averaged_copy, ema_settings
from reacgan_plugin.gan.labels import fake_labels_for
from reacgan_plugin.gan.networks import (
    build_adversarial_loss,
    build_discriminator,
    build_generator,
    check_channels,
    check_codes,
    check_sizes,
)
from reacgan_plugin.gan.objectives import DiscriminatorObjective, GeneratorObjective
from reacgan_plugin.gan.optimizers import wrapper_of
from reacgan_plugin.gan.parallel import Parallel
from reacgan_plugin.gan.passes import passes_of
from reacgan_plugin.gan.randomness import draw_latents, seed_iteration
from reacgan_plugin.gan.replay import Passes
from reacgan_plugin.gan.scaling import Steps
from reacgan_plugin.gan.technique import Technique, Techniques
from reacgan_plugin.gan.terms import merged
from reacgan_plugin.layers import evaluating, frozen, untracked_statistics
from reacgan_plugin.options import in_range, one_of
from reacgan_plugin.registry import MODELS, build

PRECISIONS = {None: None, 'bf16': torch.bfloat16, 'fp16': torch.float16}


class ConditionalGAN(BaseModel):
    """Generator, discriminator and everything that one training iteration does.

    Args:
        generator: module or config; (z (N, Z), label (N,)) -> image in [-1, 1]. It has
            ``z_dim``.
        discriminator: backbone module or config, image -> features, with
            ``out_channels``; or a whole :class:`Discriminator`.
        loss: conditioning or config, ``dict(type='D2DCE')``; it brings the head.
        num_classes: K.
        image_channels: 3, or 1 for grey images; the networks take it from here.
        adversarial_loss: component or config, ``dict(type='Hinge')``.
        techniques: list of :class:`Technique` or configs.
        fake_labels: how often fakes are of a class: ``'uniform'``, as in the ``'data'``
            or by K weights; see :class:`~reacgan_plugin.gan.labels.FakeLabels`.
        ema: ``dict(decay=..., start=...)`` or ``dict(half_life=...)`` for an average of
            the generator, see :class:`~reacgan_plugin.gan.ema.Average`; None: none.
        d_updates: discriminator updates in an iteration.
        accumulation: micro-batches in an update.
        accumulation_mode: ``'plain'``: their gradients are averaged, negatives stay
            inside one; ``'exact'``: the gradient of the whole batch, for one more
            forward pass. See :mod:`~reacgan_plugin.gan.accumulation`.
        seed: of z, labels and everything drawn in a step.
        amp: None, or ``'bf16'`` or ``'fp16'`` for autocast of the networks; losses stay
            float32. fp16 wants optimizers that scale losses, which the
            ``GANOptimWrapperConstructor`` builds, and a GPU.
        channels_last: memory format of convolutions; the faster one on CPU and GPU.
        discriminator_passes: ``'separate'`` for reals and fakes, as published, or one
            ``'joint'`` pass; see :mod:`~reacgan_plugin.gan.passes`.
        compile: None, or settings of ``module.compile`` for both networks,
            ``dict(mode='default')``; see :mod:`~reacgan_plugin.gan.compiled`.

    Raises: ValueError for options or types that are not known.
    """

    def __init__(
        self,
        generator: nn.Module | dict,
        discriminator: nn.Module | dict,
        loss: nn.Module | dict | None = None,
        *,
        num_classes: int,
        image_channels: int = 3,
        adversarial_loss: nn.Module | dict | None = None,
        techniques: Sequence[Technique | dict] = (),
        fake_labels: str | Sequence[float] = 'uniform',
        ema: dict | None = None,
        d_updates: int = 1,
        accumulation: int = 1,
        accumulation_mode: str = 'plain',
        seed: int = 0,
        amp: str | None = None,
        channels_last: bool = True,
        discriminator_passes: str = 'separate',
        compile: dict | None = None,
        data_preprocessor: nn.Module | dict | None = None,
    ):
        preprocessor = dict(type='ImagePreprocessor', channels_last=channels_last)
        preprocessor['num_classes'] = num_classes
        super().__init__(build(MODELS, data_preprocessor or preprocessor))
        self.num_classes = num_classes
        self.image_channels = one_of('model.image_channels', image_channels, (1, 3))
        in_range('model.d_updates', d_updates, above=0)
        in_range('model.accumulation', accumulation, above=0)
        self.d_updates, self.accumulation = d_updates, accumulation
        self.accumulation_mode = one_of(
            'model.accumulation_mode', accumulation_mode, UPDATES
        )
        self.seed, self.iteration = seed, 0
        self.amp = one_of('model.amp', amp, PRECISIONS)
        numbers = num_classes, image_channels
        self.generator = build_generator(generator, *numbers)
        self.discriminator, self.loss = build_discriminator(
            discriminator, loss, *numbers
        )
        check_sizes(self.generator, self.discriminator)
        check_channels(self.generator, self.discriminator, image_channels)
        check_codes(self.generator, self.loss)
        given = build_adversarial_loss(adversarial_loss)
        self.adversarial_loss = self.loss.adversarial(given)
        self.fake_labels = fake_labels_for(
            fake_labels, num_classes, self.adversarial_loss
        )
        self.needs_real = self.adversarial_loss.needs_real or self.loss.needs_real
        if channels_last:
            self.generator.to(memory_format=torch.channels_last)
            self.discriminator.to(memory_format=torch.channels_last)
        self.techniques = Techniques(build(MODELS, t) for t in techniques)
        self.techniques.check(self)
        self.ema = ema_settings(ema)
        self.generator_ema = averaged_copy(self.generator) if self.ema else None
        self.judge = passes_of(discriminator_passes, self.discriminator)
        if compile is not None:
            self._compile(compile)
        self.parallel, self.passes, self.steps = Parallel(), Passes(), Steps()
        both = DiscriminatorObjective(self), GeneratorObjective(self)
        self.objectives = {objective.name: objective for objective in both}

    def train_step(self, data: dict, optim_wrapper) -> dict[str, Tensor]:
        """One iteration: ``d_updates`` discriminator updates, one of the generator.

        Args:
            data: image (d_updates x N, 3, H, W) and label (d_updates x N,) of this
                rank; update u takes the rows from u x N on.
            optim_wrapper: a mapping with ``generator`` and ``discriminator``.

        Returns: detached terms by name, ``d/...`` of the last discriminator update
        and ``g/...``; tensors on the device, so that nothing waits for it.
        """
        data = self.data_preprocessor(data, training=True)
        parts = self.d_updates * self.accumulation
        if len(data['image']) % parts:
            raise ValueError(
                f'{len(data["image"])} images do not divide by {self.d_updates} '
                f'discriminator updates x {self.accumulation} accumulation steps'
            )
        images = data['image'].chunk(self.d_updates)
        labels = data['label'].chunk(self.d_updates)
        seed_iteration(self.seed, self.iteration, distributed.rank())
        z, fake_label = self.draw_latents(len(images[0]))
        if self.adversarial_loss.shares_labels:
            fake_label = (*labels, labels[-1])
        for update, (image, label) in enumerate(zip(images, labels, strict=True)):
            d_terms = self.update_discriminator(
                image, label, z[update], fake_label[update], optim_wrapper
            )
        g_terms = self.update_generator(
            z[-1], fake_label[-1], optim_wrapper, images[-1], labels[-1]
        )
        outputs = {f'd/{name}': value for name, value in d_terms.items()}
        outputs.update((f'g/{name}', value) for name, value in g_terms.items())
        self.techniques.after_update(outputs, self)
        self.update_ema(len(images[0]) * distributed.world_size())
        self.iteration += 1
        return outputs

    def update_discriminator(
        self, image: Tensor, label: Tensor, z: Tensor, fake_label: Tensor, optim_wrapper
    ) -> dict[str, Tensor]:
        """Zero, accumulate and step the discriminator; returns its detached terms."""
        rows = (image, label, z, fake_label)
        return self._update('discriminator', rows, optim_wrapper)

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
        if self.needs_real:
            if image is None or image_label is None:
                raise ValueError(
                    f'{type(self.adversarial_loss).__name__} or '
                    f'{type(self.loss).__name__} needs image and image_label in the '
                    "generator's update too"
                )
            rows += (image, image_label)
        # frozen and unwrapped: else DDP would wait for gradients that never come
        with frozen(self.discriminator), untracked_statistics(self.discriminator):
            return self._update('generator', rows, optim_wrapper)

    def discriminator_terms(self, *rows: Tensor) -> dict[str, Tensor]:
        """Weighted terms whose sum the discriminator minimises, of image, label, z and
        fake_label."""
        return _terms(self.objectives['discriminator'], rows)

    def generator_terms(self, *rows: Tensor) -> dict[str, Tensor]:
        """Weighted terms whose sum the generator minimises, of z, label and, where a
        loss reads reals, image and image_label."""
        return _terms(self.objectives['generator'], rows)

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
            weights=self.fake_labels.weights,
            rank=distributed.rank(),
            world_size=distributed.world_size(),
        )
        device = self.data_preprocessor.device
        if torch.device(device).type == 'cuda':  # where other copies wait
            z, label = z.pin_memory(), label.pin_memory()
        return z.to(device, non_blocking=True), label.to(device, non_blocking=True)

    def update_ema(self, batch: int = 1) -> None:
        """Move the generator's average after an iteration of ``batch`` images, over
        all processes."""
        if self.generator_ema is not None:
            self.ema.move(self.generator_ema, self.generator, self.iteration, batch)

    def distribute(self) -> None:
        """Train on all processes of the process group from now on."""
        for name in ('generator', 'discriminator'):
            self.parallel.wrap(name, getattr(self, name))

    @torch.no_grad()
    def forward(
        self, z: Tensor, label: Tensor, mode: str = 'tensor', **options
    ) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1] of the averaged generator if there is one,
        with running batch statistics; ``options`` are its own, such as truncation."""
        averaged = self.generator_ema
        network = self.generator if averaged is None else averaged
        with evaluating(network):
            return network(z, label, **options)

    def train(self, mode: bool = True) -> ConditionalGAN:
        super().train(mode)
        if self.generator_ema is not None:
            self.generator_ema.eval()
        return self

    def _compile(self, options: dict) -> None:
        warn = partial(print_log, logger='current', level=logging.WARNING)
        for name in ('generator', 'discriminator'):
            compile_network(getattr(self, name), options, name=name, warn=warn)

    def get_extra_state(self) -> dict:
        return {'iteration': self.iteration}

    def set_extra_state(self, state: dict) -> None:
        self.iteration = state['iteration']

    def autocast(self, like: Tensor):
        """The precision that networks run in on the tensor's device."""
        return torch.autocast(
            like.device.type, PRECISIONS[self.amp], enabled=self.amp is not None
        )

    def _update(self, name: str, rows, optim_wrapper) -> dict[str, Tensor]:
        several = self.accumulation > 1
        update = UPDATES[self.accumulation_mode if several else 'plain']
        optimizer = wrapper_of(optim_wrapper, name)
        terms = update(self.objectives[name], rows, optimizer, self.accumulation)
        self.parallel.average_buffers(name, getattr(self, name))
        return terms


def _terms(objective, rows) -> dict[str, Tensor]:
    judged = objective.outputs(*rows)
    return merged(objective.terms(judged), objective.penalties(judged))
