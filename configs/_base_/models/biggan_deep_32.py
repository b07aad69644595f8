# BigGAN-deep at 32 x 32 with the published widths (StudioGAN's CIFAR Deep
# configs).
model = dict(
    type='ConditionalGAN',
    num_classes=10,
    generator=dict(
        type='BigGANDeepGenerator',
        size=32,
        base_channels=128,
        z_dim=128,
        shared_dim=128,
        attention_at=(16,),
        depth=2,
        variant='legacy',
    ),
    discriminator=dict(
        type='BigGANDeepDiscriminator',
        size=32,
        base_channels=128,
        attention_at=(16,),
        depth=2,
        variant='legacy',
    ),
    adversarial_loss=dict(type='Hinge'),
)
