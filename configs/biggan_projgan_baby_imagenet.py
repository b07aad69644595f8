"""The projection discriminator (Miyato and Koyama 2018), BigGAN's own, on
Baby-ImageNet, at the budget of ReACGAN's config."""

_base_ = 'biggan_reacgan_baby_imagenet.py'

model = dict(loss=dict(_delete_=True, type='PD'))
