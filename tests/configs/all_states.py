"""A tiny StyleGAN2 on the digits with everything on that has a state: averages of both
networks, a loss scaler, schedules, and every technique that remembers something."""

_base_ = ['tiny_stylegan2.py']

custom_imports = dict(imports=['scaled_wrapper'])
train_cfg = dict(max_iters=6)
model = dict(
    d_updates=2,
    techniques=[
        dict(type='R1', weight=0.01, interval=2),
        dict(type='PathLength', interval=2),
        dict(type='ADA', strength=0.3, interval=2, kimg=1),
        dict(type='APA', strength=0.3, interval=2, kimg=1),
        dict(type='LeCam', start=1),
        dict(type='DiscriminatorAverage', decay=0.9),
        dict(type='TopK', interval=1),
    ],
)
optim_wrapper = dict(
    generator=dict(type='ScaledOnCPU'), discriminator=dict(type='ScaledOnCPU')
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, begin=0, end=5),
    dict(type='CosineAnnealingLR', begin=3, T_max=4),
]
pipeline = [
    dict(type='LoadImage'),
    dict(type='Resize', scale=(32, 32), backend='pillow', interpolation='bicubic'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackImage'),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline), num_workers=1)
default_hooks = dict(checkpoint=dict(interval=3))
