"""ReACGAN with consistency regularisation on CIFAR-10 (PyTorch-StudioGAN,
configs/CIFAR10/ReACGAN-CR.yaml)."""

_base_ = 'biggan_reacgan_cifar10.py'

model = dict(techniques=[dict(type='ConsistencyRegularisation', weight=10.0)])
