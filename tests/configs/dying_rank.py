"""The demo, tiny, on two ranks, of which one is killed."""

_base_ = ['../../configs/biggan_reacgan_digits.py']

custom_imports = dict(imports=['dying_rank'])
total_batch_size = 8
train_cfg = dict(max_iters=100000)
model = dict(
    generator=dict(base_channels=2, z_dim=8, shared_dim=4),
    discriminator=dict(base_channels=4),
)
custom_hooks = [dict(type='DyingRankHook')]
