"""AC-GAN, the auxiliary classifier (Odena et al. 2017), on CIFAR-100, at the budget
of ReACGAN's config."""

_base_ = 'biggan_reacgan_cifar100.py'

model = dict(loss=dict(_delete_=True, type='AC', loss_weight=1.0))
