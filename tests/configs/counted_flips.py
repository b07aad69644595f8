"""The demo, tiny, with flips on and every decoded image counted in a file."""

_base_ = ['tiny.py']

custom_imports = dict(imports=['counting'])
train_cfg = dict(max_iters=30)
model = dict(d_updates=2)
pipeline = [
    dict(type='LoadImage'),
    dict(type='CountReads'),
    dict(type='Resize', scale=(32, 32), backend='pillow', interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackImage'),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
default_hooks = dict(checkpoint=dict(interval=5), logger=dict(interval=5))
