"""Multi-hinge (Kavalerov et al. 2019), on ImageNet, batch 256, at the budget of
ReACGAN's config."""

_base_ = 'biggan_reacgan_imagenet.py'

model = dict(
    loss=dict(_delete_=True, type='MH', generator_weight=0.05, feature_weight=1.0)
)
