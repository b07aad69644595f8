"""StyleGAN2 with D2D-CE and DiffAugment on CUB-200, at the budget of the published
set-up with ADA; there is none of this one."""

_base_ = 'stylegan2_reacgan_cub200.py'

model = dict(techniques=[*_base_.model.techniques, dict(type='DiffAugment')])
