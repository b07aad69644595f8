"""The demo, tiny, with flips on, saved after every other iteration."""

_base_ = ['counted_flips.py']

custom_imports = dict(_delete_=True, imports=[])
total_batch_size = 4
model = dict(d_updates=1)
pipeline = [
    dict(type='LoadImage'),
    dict(type='Resize', scale=(32, 32), backend='pillow', interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackImage'),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
default_hooks = dict(checkpoint=dict(interval=2), logger=dict(interval=5))
visualizer = dict(vis_backends=[])
