"""StyleGAN2 with D2D-CE and DiffAugment on AFHQ 512 x 512, at the budget of the
published set-up with ADA; there is none of this one."""

_base_ = 'stylegan2_reacgan_afhq_ada.py'

model = dict(techniques=[*_base_.model.techniques[:-1], dict(type='DiffAugment')])
