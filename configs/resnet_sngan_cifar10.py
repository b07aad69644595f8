"""SNGAN with a projection discriminator on CIFAR-10 (Miyato et al. 2018;
PyTorch-StudioGAN, configs/CIFAR10/SNGAN.yaml), whose FID is 13.248."""

_base_ = [
    '_base_/models/resnet_32.py',
    '_base_/datasets/cifar10.py',
    '_base_/schedules/sngan.py',
    '_base_/runtime.py',
]

model = dict(loss=dict(type='PD'), d_updates=5)
