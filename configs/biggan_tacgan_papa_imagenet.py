"""TAC-GAN, a twin auxiliary classifier (Gong et al. 2019), on Papa-ImageNet, at the
budget of ReACGAN's config."""

_base_ = 'biggan_reacgan_papa_imagenet.py'

model = dict(loss=dict(_delete_=True, type='TAC', method=dict(type='AC')))
