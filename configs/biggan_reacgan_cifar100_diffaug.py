"""ReACGAN with DiffAugment on CIFAR-100 (PyTorch-StudioGAN,
configs/CIFAR100/ReACGAN-DiffAug.yaml)."""

_base_ = 'biggan_reacgan_cifar100.py'

train_cfg = dict(max_iters=200_000)
model = dict(techniques=[dict(type='DiffAugment')])
