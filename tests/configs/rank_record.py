"""The demo, tiny, on several ranks; each rank records what it saw."""

_base_ = ['../../configs/biggan_reacgan_digits.py']

custom_imports = dict(imports=['rank_record'])
total_batch_size = 8
train_cfg = dict(max_iters=4)
model = dict(
    generator=dict(base_channels=2, z_dim=8, shared_dim=4),
    discriminator=dict(base_channels=4),
    d_updates=2,
    accumulation=2,
)
custom_hooks = [dict(type='RankRecordHook')]
