"""A tiny StyleGAN2 on the digits, without hooks of its own; all checkpoints stay."""

_base_ = [
    '../../configs/_base_/models/stylegan2_32.py',
    '../../configs/_base_/datasets/digits_32.py',
    '../../configs/_base_/schedules/stylegan2.py',
    '../../configs/_base_/runtime.py',
]

total_batch_size = 8
widths = dict(channel_base=128, channel_max=8)
model = dict(
    generator=dict(z_dim=8, w_dim=8, style_mixing=0.9, **widths),
    discriminator=widths,
    loss=dict(type='D2DCE', embed_dim=8),
    ema=dict(half_life=0.1, ramp_up=0.5),
)
custom_hooks = []
default_hooks = dict(logger=dict(interval=1), checkpoint=dict(max_keep_ckpts=-1))
