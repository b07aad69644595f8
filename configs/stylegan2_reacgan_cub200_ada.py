"""StyleGAN2 with D2D-CE and adaptive discriminator augmentation on CUB-200
(PyTorch-StudioGAN, configs/CUB200/StyleGAN2-D2DCE-ADA.yaml).

The reference updates the generator first; here the discriminator is."""

_base_ = 'stylegan2_reacgan_cub200.py'

model = dict(
    techniques=[
        *_base_.model.techniques,
        dict(type='ADA', policy='bgc', target=0.6, interval=4, kimg=500),
    ]
)
