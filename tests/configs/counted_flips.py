"""The demo, tiny, with flips on and every decoded image counted in a file."""

_base_ = ['../../configs/biggan_reacgan_digits.py']

custom_imports = dict(imports=['counting'])
total_batch_size = 8
train_cfg = dict(max_iters=30)
model = dict(
    generator=dict(base_channels=2, z_dim=8, shared_dim=4),
    discriminator=dict(base_channels=4),
    d_updates=2,
)
pipeline = [
    dict(type='LoadImage'),
    dict(type='CountReads'),
    dict(type='Resize', scale=(32, 32), backend='pillow', interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackImage'),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
default_hooks = dict(checkpoint=dict(interval=5), logger=dict(interval=5))
custom_hooks = []
