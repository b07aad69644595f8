"""AC-GAN, the auxiliary classifier (Odena et al. 2017), on Papa-ImageNet, at the
budget of ReACGAN's config."""

_base_ = 'biggan_reacgan_papa_imagenet.py'

model = dict(loss=dict(_delete_=True, type='AC', loss_weight=1.0))
