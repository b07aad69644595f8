"""ReACGAN with adaptive discriminator augmentation on CIFAR-10 (PyTorch-StudioGAN,
configs/CIFAR10/ReACGAN-ADA.yaml).

Trained with the logistic loss, four times as long, and without flipped images, since
ADA flips them itself."""

_base_ = 'biggan_reacgan_cifar10.py'

train_cfg = dict(max_iters=400_000)
train_dataloader = dict(
    dataset=dict(pipeline=[dict(type='LoadImage'), dict(type='PackImage')])
)
model = dict(
    adversarial_loss=dict(type='Logistic'),
    techniques=[dict(type='ADA', policy='bgc', target=0.7, interval=4, kimg=500)],
)
