# StyleGAN2 at 128 x 128 (Karras et al. 2020; StudioGAN's CUB200 and ImageNet configs).
model = dict(
    type='ConditionalGAN',
    num_classes=200,
    generator=dict(
        type='StyleGAN2Generator',
        size=128,
        mapping_layers=2,
        channel_base=16384,
        style_mixing=0.9,
    ),
    discriminator=dict(
        type='StyleGAN2Discriminator',
        size=128,
        channel_base=16384,
        architecture='resnet',
        stddev_group=8,
    ),
    adversarial_loss=dict(type='Logistic'),
    techniques=[
        dict(type='R1', weight=0.2048, interval=16),
        dict(type='PathLength', weight=2.0, interval=4),
    ],
)
