# BigGAN at 64 x 64 with the published widths (StudioGAN's Baby-ImageNet configs).
model = dict(
    type='ConditionalGAN',
    num_classes=100,
    generator=dict(
        type='BigGANGenerator',
        size=64,
        base_channels=80,
        z_dim=100,
        shared_dim=128,
        attention_at=(32,),
    ),
    discriminator=dict(
        type='BigGANDiscriminator', size=64, base_channels=80, attention_at=(32,)
    ),
    adversarial_loss=dict(type='Hinge'),
)
