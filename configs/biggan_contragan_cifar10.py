"""ContraGAN (Kang and Park 2020), on CIFAR-10, at the budget of ReACGAN's config."""

_base_ = 'biggan_reacgan_cifar10.py'

model = dict(
    loss=dict(_delete_=True, type='2C', temperature=1.0, loss_weight=1.0, embed_dim=512)
)
