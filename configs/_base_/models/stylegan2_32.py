# StyleGAN2 at 32 x 32 as for CIFAR-10 (Karras et al. 2020, "ADA", appendix D).
model = dict(
    type='ConditionalGAN',
    num_classes=10,
    generator=dict(
        type='StyleGAN2Generator', size=32, mapping_layers=2, channel_base=32768
    ),
    discriminator=dict(
        type='StyleGAN2Discriminator',
        size=32,
        channel_base=32768,
        architecture='orig',
        stddev_group=32,
    ),
    adversarial_loss=dict(type='Logistic'),
    techniques=[dict(type='R1', weight=0.01, interval=16)],
)
