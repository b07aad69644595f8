"""The projection discriminator (Miyato and Koyama 2018), BigGAN's own, on CIFAR-10,
at the budget of ReACGAN's config."""

_base_ = 'biggan_reacgan_cifar10.py'

model = dict(loss=dict(_delete_=True, type='PD'))
