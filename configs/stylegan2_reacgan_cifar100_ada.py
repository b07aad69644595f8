"""StyleGAN2 with D2D-CE and adaptive discriminator augmentation on CIFAR-100
(PyTorch-StudioGAN, configs/CIFAR100/StyleGAN2-D2DCE-ADA.yaml).

The reference updates the generator first; here the discriminator is."""

_base_ = 'stylegan2_reacgan_cifar100.py'

train_cfg = dict(max_iters=1_000_000)
model = dict(
    techniques=[
        *_base_.model.techniques,
        dict(type='ADA', policy='bgc', target=0.8, interval=4, kimg=500),
    ]
)
