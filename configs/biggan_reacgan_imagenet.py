"""ReACGAN on ImageNet 128 x 128, batch 256, as published (Kang et al. 2021;
PyTorch-StudioGAN, configs/ImageNet/ReACGAN-256.yaml), whose best FID is 13.907."""

_base_ = [
    '_base_/models/biggan_128.py',
    '_base_/datasets/imagenet_128.py',
    '_base_/schedules/biggan_128.py',
    '_base_/runtime.py',
]

train_cfg = dict(max_iters=500_000)
sync_bn = True  # batch statistics over all GPUs; without effect on one or on a CPU
model = dict(
    loss=dict(
        type='D2DCE',
        margin=0.98,
        temperature=0.5,
        loss_weight=1.0,
        # the published runs logged losses below the floor of Eq. 6: they were trained
        # with the reference's scaled negatives
        formula='studiogan',
        embed_dim=2048,
    ),
    d_updates=2,
    ema=dict(decay=0.9999, start=20_000),
)
