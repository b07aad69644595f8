"""StyleGAN2 with its own conditioning, the mapped projection, on ImageNet, at the
budget of the config with D2D-CE."""

_base_ = 'stylegan2_reacgan_imagenet.py'

model = dict(loss=dict(_delete_=True, type='SPD'))
