"""ADC-GAN, a discriminative auxiliary classifier (Hou et al. 2022), on
Tiny-ImageNet, at the budget of ReACGAN's config."""

_base_ = 'biggan_reacgan_tiny_imagenet.py'

model = dict(loss=dict(_delete_=True, type='ADC', method=dict(type='AC')))
