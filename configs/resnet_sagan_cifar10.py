"""SAGAN on CIFAR-10 (Zhang et al. 2019; PyTorch-StudioGAN,
configs/CIFAR10/SAGAN.yaml), whose FID is 14.009."""

_base_ = 'resnet_sngan_cifar10.py'

model = dict(
    generator=dict(attention_at=(16,), spectral_norm=True),
    discriminator=dict(attention_at=(16,)),
)
