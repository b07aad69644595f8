"""StyleGAN2 with D2D-CE and DiffAugment on CIFAR-10 (PyTorch-StudioGAN,
configs/CIFAR10/StyleGAN2-D2DCE-DiffAug.yaml).

The reference updates the generator first; here the discriminator is."""

_base_ = 'stylegan2_reacgan_cifar10.py'

train_cfg = dict(max_iters=1_000_000)
model = dict(techniques=[*_base_.model.techniques, dict(type='DiffAugment')])
