"""ReACGAN with a twin auxiliary classifier (TAC) on CIFAR-100.

The reference takes the twin's terms of the first classifier, so that its generator gets
no class term at all; here the twin is one. ``formula='studiogan'`` of TAC is the
reference's way."""

_base_ = 'biggan_reacgan_cifar100.py'

model = dict(
    loss=dict(
        _delete_=True,
        type='TAC',
        method=_base_.model.loss,
        discriminator_weight=0.5,
        generator_weight=0.5,
    )
)
