"""The projection discriminator (Miyato and Koyama 2018), BigGAN's own, on CIFAR-100,
at the budget of ReACGAN's config."""

_base_ = 'biggan_reacgan_cifar100.py'

model = dict(loss=dict(_delete_=True, type='PD'))
