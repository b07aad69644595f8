"""ReACGAN with DiffAugment on CIFAR-10 (PyTorch-StudioGAN,
configs/CIFAR10/ReACGAN-DiffAug.yaml)."""

_base_ = 'biggan_reacgan_cifar10.py'

train_cfg = dict(max_iters=200_000)
model = dict(techniques=[dict(type='DiffAugment')])
