"""StyleGAN2 with its own conditioning, the mapped projection, on CIFAR-10, at the
budget of the config with D2D-CE; published FID 3.889."""

_base_ = 'stylegan2_reacgan_cifar10.py'

model = dict(loss=dict(_delete_=True, type='SPD'))
