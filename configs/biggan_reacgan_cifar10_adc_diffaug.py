"""ReACGAN with a discriminative auxiliary classifier (ADC) and DiffAugment on
CIFAR-10 (PyTorch-StudioGAN, configs/CIFAR10/ReACGAN-ADC-DiffAug.yaml)."""

_base_ = 'biggan_reacgan_cifar10_adc.py'

model = dict(techniques=[dict(type='DiffAugment')])
