"""ReACGAN with an information-maximising Q head on CIFAR-10: one code of ten
categories (PyTorch-StudioGAN, configs/CIFAR10/ReACGAN-Info.yaml).

The published generator reads the code in its conditional batch norms, ours in z."""

_base_ = 'biggan_reacgan_cifar10.py'

model = dict(
    generator=dict(
        _delete_=True,
        type='CodedGenerator',
        generator=_base_.model.generator,
        discrete=1,
        categories=10,
        continuous=0,
    ),
    loss=dict(
        _delete_=True,
        type='Info',
        method=_base_.model.loss,
        discrete=1,
        categories=10,
        continuous=0,
        discrete_weight=1.0,
        feature_scale=1 / 64,  # the published Q reads means over positions
    ),
)
