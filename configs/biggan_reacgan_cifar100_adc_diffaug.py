"""ReACGAN with a discriminative auxiliary classifier (ADC) and DiffAugment on
CIFAR-100 (PyTorch-StudioGAN, configs/CIFAR100/ReACGAN-ADC-DiffAug.yaml)."""

_base_ = 'biggan_reacgan_cifar100_adc.py'

model = dict(techniques=[dict(type='DiffAugment')])
