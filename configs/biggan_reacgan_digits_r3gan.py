"""The R3GAN recipe (Huang et al. 2024) with D2D-CE on real handwritten digits:
relativistic pairing loss, R1 and R2, no spectral norm."""

_base_ = 'biggan_reacgan_digits.py'

train_cfg = dict(max_iters=2000)
model = dict(
    generator=dict(spectral_norm=False),
    discriminator=dict(spectral_norm=False),
    adversarial_loss=dict(type='Relativistic'),
    # in every second iteration, since each is a pass through the discriminator's
    # gradient; weaker than this and the discriminator wins
    techniques=[
        dict(type='R1', weight=2.0, interval=2),
        dict(type='R2', weight=2.0, interval=2),
    ],
)
optim_wrapper = dict(
    generator=dict(optimizer=dict(betas=(0.0, 0.99))),
    discriminator=dict(optimizer=dict(betas=(0.0, 0.99))),
)
param_scheduler = dict(begin=1000, end=2000)
