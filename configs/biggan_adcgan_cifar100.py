"""ADC-GAN, a discriminative auxiliary classifier (Hou et al. 2022), on CIFAR-100, at
the budget of ReACGAN's config."""

_base_ = 'biggan_reacgan_cifar100.py'

model = dict(loss=dict(_delete_=True, type='ADC', method=dict(type='AC')))
