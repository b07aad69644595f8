# StyleGAN2 at 512 x 512 (Karras et al. 2020; StudioGAN's AFHQ configs).
_base_ = 'stylegan2_128.py'
model = dict(
    num_classes=3,
    generator=dict(size=512, mapping_layers=8, channel_base=32768),
    discriminator=dict(size=512, channel_base=32768),
    techniques=[
        dict(type='R1', weight=0.5, interval=16),
        dict(type='PathLength', weight=2.0, interval=4),
    ],
)
