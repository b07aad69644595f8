"""ReACGAN with consistency regularisation on CIFAR-100 (PyTorch-StudioGAN,
configs/CIFAR100/ReACGAN-CR.yaml)."""

_base_ = 'biggan_reacgan_cifar100.py'

model = dict(techniques=[dict(type='ConsistencyRegularisation', weight=10.0)])
