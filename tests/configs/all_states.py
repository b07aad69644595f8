"""A tiny StyleGAN2 on the digits with everything on that has a state: averages of both
networks, a loss scaler, schedules, and every technique that remembers something."""

_base_ = [
    '../../configs/_base_/models/stylegan2_32.py',
    '../../configs/_base_/datasets/digits_32.py',
    '../../configs/_base_/schedules/stylegan2.py',
    '../../configs/_base_/runtime.py',
]

custom_imports = dict(imports=['scaled_wrapper'])
total_batch_size = 8
train_cfg = dict(max_iters=6)
widths = dict(channel_base=128, channel_max=8)
model = dict(
    generator=dict(z_dim=8, w_dim=8, style_mixing=0.9, **widths),
    discriminator=widths,
    loss=dict(type='D2DCE', embed_dim=8),
    ema=dict(half_life=0.1, ramp_up=0.5),
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
custom_hooks = []
default_hooks = dict(
    logger=dict(interval=1), checkpoint=dict(interval=3, max_keep_ckpts=-1)
)
