"""Stock mmagic models in their least width, and what a training step needs."""

from __future__ import annotations

from copy import deepcopy

import torch
from mmagic.registry import DATASETS, MODELS
from mmagic.structures import DataSample
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import DefaultScope

CLASSES, ROWS = 3, 4
EMA = dict(type='ExponentialMovingAverage', interval=1, momentum=0.1, start_iter=1)
COMMON = dict(
    data_preprocessor=dict(type='DataPreprocessor', output_channel_order='RGB'),
    generator_steps=1,
    discriminator_steps=1,
    ema_config=EMA,
)
SAGAN = dict(
    type='SAGAN',
    num_classes=CLASSES,
    noise_size=16,
    generator=dict(
        type='SAGANGenerator',
        output_scale=32,
        base_channels=8,
        attention_cfg=dict(type='SelfAttentionBlock'),
        attention_after_nth_block=2,
        with_spectral_norm=True,
        num_classes=CLASSES,
    ),
    discriminator=dict(
        type='SAGANDiscriminator',
        input_scale=32,
        base_channels=8,
        attention_cfg=dict(type='SelfAttentionBlock'),
        attention_after_nth_block=1,
        with_spectral_norm=True,
        num_classes=CLASSES,
    ),
    **COMMON,
)
STOCK = {
    'BigGAN': dict(
        type='BigGAN',
        num_classes=CLASSES,
        generator=dict(
            type='BigGANGenerator',
            output_scale=32,
            noise_size=16,
            num_classes=CLASSES,
            base_channels=2,
            with_shared_embedding=False,
            sn_style='torch',
            split_noise=False,
            auto_sync_bn=False,
            init_cfg=dict(type='N02'),
        ),
        discriminator=dict(
            type='BigGANDiscriminator',
            input_scale=32,
            num_classes=CLASSES,
            base_channels=4,
            sn_style='torch',
            with_spectral_norm=True,
            init_cfg=dict(type='N02'),
        ),
        **COMMON,
    ),
    'BigGAN-deep': dict(
        type='BigGAN',
        num_classes=CLASSES,
        generator=dict(
            type='BigGANDeepGenerator',
            output_scale=32,
            noise_size=8,
            num_classes=CLASSES,
            base_channels=4,
            shared_dim=8,
            concat_noise=True,
            auto_sync_bn=False,
        ),
        discriminator=dict(
            type='BigGANDeepDiscriminator',
            input_scale=32,
            num_classes=CLASSES,
            base_channels=4,
        ),
        **COMMON,
    ),
    'SAGAN': SAGAN,
    'SNGAN': {
        **SAGAN,
        'type': 'SNGAN',
        'generator': dict(
            type='SNGANGenerator',
            output_scale=32,
            base_channels=4,
            num_classes=CLASSES,
            use_cbn=True,
        ),
        'discriminator': dict(
            type='ProjDiscriminator',
            input_scale=32,
            base_channels=8,
            num_classes=CLASSES,
        ),
    },
    'StyleGAN2': dict(  # whose widths are fixed
        type='StyleGAN2',
        generator=dict(
            type='StyleGAN2Generator', out_size=8, style_channels=16, num_mlps=2
        ),
        discriminator=dict(type='StyleGAN2Discriminator', in_size=8),
        loss_config=dict(
            r1_loss_weight=80.0,
            r1_interval=100,
            norm_mode='HWC',
            g_reg_interval=100,
            g_reg_weight=8.0,
            pl_batch_shrink=2,
        ),
        **COMMON,
    ),
}
SIZES = {'StyleGAN2': 8}


@DATASETS.register_module()
class RandomImages(torch.utils.data.Dataset):
    """Noise with classes, as mmagic's PackInputs hands it over."""

    metainfo = dict(classes=tuple('abc'))

    def __init__(self, size: int = 32, length: int = 16):
        random = torch.Generator().manual_seed(0)
        shape = (length, 3, size, size)
        self.images = torch.randint(0, 256, shape, generator=random).float()
        self.labels = torch.randint(0, CLASSES, (length,), generator=random)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> dict:
        sample = DataSample(
            metainfo=dict(gt_channel_order='RGB', img_channel_order='RGB')
        )
        sample.gt_img = self.images[index].clone()
        sample.set_gt_label(int(self.labels[index]))
        return dict(inputs=dict(img=self.images[index]), data_samples=sample)


def config(name: str, **more) -> dict:
    """A stock model's config; with a loss, StyleGAN2 is told the classes too."""
    entries = deepcopy(STOCK[name])
    if name == 'StyleGAN2' and more.get('loss'):
        entries['num_classes'] = CLASSES
    return {**entries, **more}


def made(entries: dict):
    """The model of a config, built in mmagic's scope as a runner does it."""
    with DefaultScope.overwrite_default_scope('mmagic'):
        return MODELS.build(entries)


def built(name: str, **more):
    """A model with initial weights, in training mode."""
    model = made(config(name, **more))
    model.init_weights()
    return model.train()


def data(name: str, rows=range(ROWS)) -> dict:
    """A batch as the loader hands it over."""
    dataset = RandomImages(SIZES.get(name, 32))
    return pseudo_collate([dataset[row] for row in rows])


class Keeping(OptimWrapper):
    """Leaves gradients to be read after an update."""

    def zero_grad(self, **kwargs) -> None:
        """Nothing."""


def optimizers(model, lr: float = 1e-3, kind: type = OptimWrapper) -> OptimWrapperDict:
    """One for each network."""
    return OptimWrapperDict(
        **{
            name: kind(torch.optim.Adam(getattr(model, name).parameters(), lr))
            for name in ('generator', 'discriminator')
        }
    )


def trained(model, name: str, iterations: int = 3) -> list[dict[str, float]]:
    """Logs of some iterations, which change the model."""
    both, logs = optimizers(model), []
    for iteration in range(iterations):
        MessageHub.get_current_instance().update_info('iter', iteration)
        logs.append(model.train_step(data(name), both))
    return [{key: value.item() for key, value in log.items()} for log in logs]


def gradients(network) -> dict[str, torch.Tensor]:
    """Gradients by name, of what has any."""
    return {
        name.removeprefix('module.'): parameter.grad.clone()
        for name, parameter in network.named_parameters()
        if parameter.grad is not None
    }
