"""The projection discriminator (Miyato and Koyama 2018), BigGAN's own, on CUB-200,
at the budget of ReACGAN's config."""

_base_ = 'biggan_reacgan_cub200.py'

model = dict(loss=dict(_delete_=True, type='PD'))
