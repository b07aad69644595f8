"""ReACGAN on ImageNet 128 x 128, batch 2048, as published (PyTorch-StudioGAN,
configs/ImageNet/ReACGAN-2048.yaml), whose best FID is 8.206.

Negatives and batch statistics come from one accumulated part, 512 images. The published
run's head had two layers in place of one, so its numbers are not exactly reproduced."""

_base_ = [
    '_base_/models/biggan_128.py',
    '_base_/datasets/imagenet_128.py',
    '_base_/schedules/biggan_128.py',
    '_base_/runtime.py',
]

total_batch_size = 2048  # published as 512 in four accumulated parts
sync_bn = True  # batch statistics over all GPUs; without effect on one or on a CPU
model = dict(
    loss=dict(
        type='D2DCE',
        margin=0.9,
        temperature=0.25,
        loss_weight=0.5,
        # the published runs logged losses below the floor of Eq. 6: they were trained
        # with the reference's scaled negatives
        formula='studiogan',
        embed_dim=2048,
    ),
    accumulation=4,
    d_updates=2,
    ema=dict(decay=0.9999, start=20_000),
)
