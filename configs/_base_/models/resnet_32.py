# The residual networks of SNGAN at 32 x 32 (StudioGAN's CIFAR10 configs); SAGAN adds
# attention in both and spectral norm in the generator.
model = dict(
    type='ConditionalGAN',
    num_classes=10,
    generator=dict(type='ResNetGenerator', size=32, base_channels=64, z_dim=128),
    discriminator=dict(type='ResNetDiscriminator', size=32, base_channels=64),
    adversarial_loss=dict(type='Hinge'),
)
