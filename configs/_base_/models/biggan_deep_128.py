# BigGAN-deep at 128 x 128 with the published widths (StudioGAN's ImageNet Deep
# configs).
model = dict(
    type='ConditionalGAN',
    num_classes=1000,
    generator=dict(
        type='BigGANDeepGenerator',
        size=128,
        base_channels=128,
        z_dim=128,
        shared_dim=128,
        attention_at=(64,),
        depth=2,
        variant='legacy',
    ),
    discriminator=dict(
        type='BigGANDeepDiscriminator',
        size=128,
        base_channels=128,
        attention_at=(64,),
        depth=2,
        variant='legacy',
    ),
    adversarial_loss=dict(type='Hinge'),
)
