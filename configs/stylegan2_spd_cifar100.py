"""StyleGAN2 with its own conditioning, the mapped projection, on CIFAR-100, at the
budget of the config with D2D-CE."""

_base_ = 'stylegan2_reacgan_cifar100.py'

model = dict(loss=dict(_delete_=True, type='SPD'))
