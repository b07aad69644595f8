"""StyleGAN2 with D2D-CE and DiffAugment on CIFAR-10 as revised (PyTorch-StudioGAN,
configs/CIFAR10/StyleGAN2-D2DCE-DiffAug-Rev.yaml), whose best FID is 2.2366.

A larger R1 in every second iteration; the discriminator's optimizer follows this
interval as that of StyleGAN2 does."""

_base_ = 'stylegan2_reacgan_cifar10_diffaug.py'

optim_wrapper = dict(
    discriminator=dict(optimizer=dict(lr=2.5e-3 * 2 / 3, betas=(0.0, 0.99 ** (2 / 3))))
)
model = dict(
    techniques=[
        dict(type='R1', weight=0.08, interval=2),
        dict(type='DiffAugment'),
    ]
)
