"""ReACGAN with LeCam regularisation on CIFAR-100, by the settings of CIFAR-10; there is
no published set-up of it."""

_base_ = 'biggan_reacgan_cifar100.py'

train_cfg = dict(max_iters=200_000)
model = dict(techniques=[dict(type='LeCam', weight=0.3, decay=0.99, start=1000)])
