"""ContraGAN (Kang and Park 2020), on CUB-200, at the budget of ReACGAN's config."""

_base_ = 'biggan_reacgan_cub200.py'

model = dict(
    loss=dict(
        _delete_=True, type='2C', temperature=1.0, loss_weight=1.0, embed_dim=1024
    )
)
