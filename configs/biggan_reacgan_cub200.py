"""ReACGAN on CUB-200 128 x 128 as published (PyTorch-StudioGAN,
configs/CUB200/ReACGAN.yaml)."""

_base_ = [
    '_base_/models/biggan_128.py',
    '_base_/datasets/cub200_128.py',
    '_base_/schedules/biggan_128.py',
    '_base_/runtime.py',
]

train_cfg = dict(max_iters=40_000)
model = dict(
    loss=dict(
        type='D2DCE',
        margin=0.95,
        temperature=0.25,
        loss_weight=0.25,
        # the published runs logged losses below the floor of Eq. 6: they were trained
        # with the reference's scaled negatives
        formula='studiogan',
        embed_dim=1024,
    ),
    num_classes=200,
    generator=dict(base_channels=80),
    discriminator=dict(base_channels=80),
    d_updates=2,
    ema=dict(decay=0.9999, start=4000),
)
