# BigGAN-deep at 128 x 128 with the published widths (StudioGAN's ImageNet Deep
# configs).
_base_ = 'biggan_deep_32.py'
model = dict(
    num_classes=1000,
    generator=dict(size=128, attention_at=(64,)),
    discriminator=dict(size=128, attention_at=(64,)),
)
