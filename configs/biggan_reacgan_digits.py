"""The demo: ReACGAN on real handwritten digits, minutes on a laptop's CPU.

Small networks and a margin below the published 0.98: samples within 0.9 of their proxy
are left alone, which keeps them varied.
"""

_base_ = [
    '_base_/models/biggan_32.py',
    '_base_/datasets/digits_32.py',
    '_base_/runtime.py',
]

total_batch_size = 32
train_cfg = dict(max_iters=3000)
model = dict(
    generator=dict(base_channels=8, z_dim=64, shared_dim=32),
    discriminator=dict(base_channels=16),
    loss=dict(
        type='D2DCE', margin=0.9, temperature=0.25, loss_weight=0.5, embed_dim=128
    ),
    ema=dict(decay=0.995, start=100),
)
optim_wrapper = dict(
    constructor='GANOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=5e-4, betas=(0.0, 0.999))),
    discriminator=dict(optimizer=dict(type='Adam', lr=1e-3, betas=(0.0, 0.999))),
)
default_hooks = dict(checkpoint=dict(interval=500))
custom_hooks = [
    dict(type='SampleGridHook', interval=500),
    dict(type='LossCurveHook'),
    dict(
        type='ProbeReportHook',
        train=_base_.train_dataloader.dataset,
        held_out=_base_.held_out,
    ),
]
