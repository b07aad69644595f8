"""ReACGAN on Baby-ImageNet 64 x 64 as published (PyTorch-StudioGAN,
configs/Baby_ImageNet/ReACGAN.yaml)."""

_base_ = [
    '_base_/models/biggan_64.py',
    '_base_/datasets/baby_imagenet_64.py',
    '_base_/schedules/biggan_64.py',
    '_base_/runtime.py',
]

model = dict(
    loss=dict(
        type='D2DCE',
        margin=1.0,
        temperature=0.75,
        loss_weight=0.75,
        # the published runs logged losses below the floor of Eq. 6: they were trained
        # with the reference's scaled negatives
        formula='studiogan',
        embed_dim=768,
    ),
    ema=dict(decay=0.9999, start=20_000),
)
