"""ReACGAN with a discriminative auxiliary classifier (ADC) on CIFAR-10."""

_base_ = 'biggan_reacgan_cifar10.py'

model = dict(
    loss=dict(
        _delete_=True,
        type='ADC',
        method=_base_.model.loss,
    )
)
