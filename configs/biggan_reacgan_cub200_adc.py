"""ReACGAN with a discriminative auxiliary classifier (ADC) on CUB-200."""

_base_ = 'biggan_reacgan_cub200.py'

model = dict(
    loss=dict(
        _delete_=True,
        type='ADC',
        method=_base_.model.loss,
    )
)
