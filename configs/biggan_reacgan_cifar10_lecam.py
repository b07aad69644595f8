"""ReACGAN with LeCam regularisation on CIFAR-10 (PyTorch-StudioGAN,
configs/CIFAR10/ReACGAN-LeCam.yaml)."""

_base_ = 'biggan_reacgan_cifar10.py'

train_cfg = dict(max_iters=200_000)
model = dict(techniques=[dict(type='LeCam', weight=0.3, decay=0.99, start=1000)])
