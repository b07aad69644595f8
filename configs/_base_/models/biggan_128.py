# BigGAN at 128 x 128 with the published widths (StudioGAN's ImageNet configs).
model = dict(
    type='ConditionalGAN',
    num_classes=1000,
    generator=dict(
        type='BigGANGenerator',
        size=128,
        base_channels=96,
        z_dim=120,
        shared_dim=128,
        attention_at=(64,),
    ),
    discriminator=dict(
        type='BigGANDiscriminator', size=128, base_channels=96, attention_at=(64,)
    ),
    adversarial_loss=dict(type='Hinge'),
)
