"""The demo, tiny, without hooks of its own."""

_base_ = ['../../configs/biggan_reacgan_digits.py']

total_batch_size = 8
train_cfg = dict(max_iters=4)
model = dict(
    generator=dict(base_channels=2, z_dim=8, shared_dim=4),
    discriminator=dict(base_channels=4),
)
custom_hooks = []
