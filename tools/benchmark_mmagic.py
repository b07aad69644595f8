"""The step of stock mmagic's BigGAN at 32 x 32, with as many parameters as ours."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

import mmagic
from benchmark_models import (
    CLASSES,
    SIZE,
    networks,
    optimizers,
    parameter_count,
    rows_of,
)
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope

WIDTHS = range(4, 257)
COMMON = dict(num_classes=CLASSES, sn_style='torch', init_cfg=dict(type='N02'))
# as in its config biggan_2xb25-500kiters_cifar10-32x32, widths aside
NETWORKS = dict(
    generator=dict(
        type='BigGANGenerator',
        output_scale=SIZE,
        noise_size=128,
        with_shared_embedding=False,
        split_noise=False,
        auto_sync_bn=False,
        **COMMON,
    ),
    discriminator=dict(
        type='BigGANDiscriminator', input_scale=SIZE, with_spectral_norm=True, **COMMON
    ),
)


class Peer(NamedTuple):
    """Its step, and what it is."""

    step: Callable[[], None]
    description: str


def peer(counts: dict[str, int], batch: int, turns: int) -> Peer:
    """A step that can be taken ``turns`` times, of networks with at most ``counts``
    parameters by name."""
    MMLogger.get_current_instance().setLevel('WARNING')  # it lists every weight
    entries = {
        name: dict(entry, base_channels=_width(entry, counts[name]))
        for name, entry in NETWORKS.items()
    }
    model = _built(
        dict(
            type='BigGAN',
            num_classes=CLASSES,
            data_preprocessor=dict(type='DataPreprocessor'),
            generator_steps=1,
            discriminator_steps=1,
            ema_config=dict(type='ExponentialMovingAverage', interval=1),
            **entries,
        )
    ).train()
    model.init_weights()
    both = optimizers(model)
    batches = iter([_batch(batch) for _ in range(turns)])
    MessageHub.get_current_instance().update_info('iter', 0)
    found = ', '.join(
        f'{name} {parameter_count(network) / 1e6:.2f} (ours {counts[name] / 1e6:.2f})'
        for name, network in networks(model).items()
    )
    return Peer(
        lambda: model.train_step(next(batches), both),
        f'mmagic {mmagic.__version__}, million parameters: {found}.',
    )


def _built(entry: dict):
    with DefaultScope.overwrite_default_scope('mmagic'):
        return MODELS.build(entry)


def _width(entry: dict, most: int) -> int:
    """The largest width with no more parameters; the least where all have more."""

    def count(width: int) -> int:
        return parameter_count(_built(dict(entry, base_channels=width)))

    return WIDTHS[max(bisect_right(WIDTHS, most, key=count) - 1, 0)]


def _batch(rows: int) -> dict:
    """As mmagic's loader hands it over."""
    images, labels, *_ = rows_of(rows)
    samples = []
    for image, label in zip((images + 1) * 127.5, labels, strict=True):
        order = dict(gt_channel_order='RGB', img_channel_order='RGB')
        sample = DataSample(metainfo=order)
        sample.gt_img = image
        sample.set_gt_label(int(label))
        samples.append(dict(inputs=dict(img=image), data_samples=sample))
    return pseudo_collate(samples)
