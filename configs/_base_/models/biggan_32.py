# BigGAN at 32 x 32 with the published widths (StudioGAN's CIFAR10 configs).
model = dict(
    type='ConditionalGAN',
    num_classes=10,
    generator=dict(
        type='BigGANGenerator',
        size=32,
        base_channels=96,
        z_dim=80,
        shared_dim=128,
        attention_at=(16,),
    ),
    discriminator=dict(
        type='BigGANDiscriminator', size=32, base_channels=96, attention_at=(16,)
    ),
    adversarial_loss=dict(type='Hinge'),
)
