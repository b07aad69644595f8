"""StyleGAN2 with D2D-CE on CUB-200 128 x 128 as published (PyTorch-StudioGAN,
configs/CUB200/StyleGAN2-D2DCE.yaml).

The reference updates the generator first; here the discriminator is."""

_base_ = [
    '_base_/models/stylegan2_128.py',
    '_base_/datasets/cub200_128.py',
    '_base_/schedules/stylegan2.py',
    '_base_/runtime.py',
]

train_cfg = dict(max_iters=100_000)
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
    d_updates=2,
    ema=dict(half_life=20),
)
