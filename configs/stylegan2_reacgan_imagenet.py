"""StyleGAN2 with D2D-CE on ImageNet 128 x 128 as published (PyTorch-StudioGAN,
configs/ImageNet/StyleGAN2-D2DCE.yaml).

The reference updates the generator first; here the discriminator is."""

_base_ = [
    '_base_/models/stylegan2_128.py',
    '_base_/datasets/imagenet_128.py',
    '_base_/schedules/stylegan2.py',
    '_base_/runtime.py',
]

total_batch_size = 256
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
    num_classes=1000,
    ema=dict(half_life=20),
)
