"""The projection discriminator (Miyato and Koyama 2018), BigGAN's own, on ImageNet,
batch 256, at the budget of ReACGAN's config."""

_base_ = 'biggan_reacgan_imagenet.py'

model = dict(loss=dict(_delete_=True, type='PD'))
