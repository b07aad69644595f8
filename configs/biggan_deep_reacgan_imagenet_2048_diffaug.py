"""ReACGAN with BigGAN-deep and DiffAugment on ImageNet 128 x 128, batch 2048
(PyTorch-StudioGAN, configs/ImageNet/ReACGAN-2048-Deep-DiffAug.yaml)."""

_base_ = 'biggan_deep_reacgan_imagenet_2048.py'

model = dict(techniques=[dict(type='DiffAugment')])
