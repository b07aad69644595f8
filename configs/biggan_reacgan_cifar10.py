"""ReACGAN on CIFAR-10 as published (Kang et al. 2021; PyTorch-StudioGAN,
configs/CIFAR10/ReACGAN.yaml), whose best FID is 7.792."""

_base_ = [
    '_base_/models/biggan_32.py',
    '_base_/datasets/cifar10.py',
    '_base_/schedules/biggan_cifar.py',
    '_base_/runtime.py',
]

model = dict(
    loss=dict(
        type='D2DCE',
        margin=0.98,
        temperature=0.5,
        loss_weight=0.5,
        # the published runs logged losses below the floor of Eq. 6: they were trained
        # with the reference's scaled negatives
        formula='studiogan',
        embed_dim=512,
    ),
    d_updates=5,
    ema=dict(decay=0.9999, start=1000),
)
