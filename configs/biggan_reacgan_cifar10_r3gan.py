"""The R3GAN recipe (Huang et al. 2024, "The GAN is dead; long live the GAN!") with
D2D-CE on CIFAR-10: relativistic pairing loss, R1 and R2 in every iteration, no spectral
norm.

Its penalties, optimizer and average by half-life, on BigGAN's networks and with the
conditioning of ReACGAN. Nobody has published a result of it.
"""

_base_ = [
    '_base_/models/biggan_32.py',
    '_base_/datasets/cifar10.py',
    '_base_/runtime.py',
]

total_batch_size = 256
train_cfg = dict(max_iters=200_000)
model = dict(
    generator=dict(spectral_norm=False),
    discriminator=dict(spectral_norm=False),
    adversarial_loss=dict(type='Relativistic'),
    loss=dict(
        type='D2DCE', margin=0.98, temperature=0.5, loss_weight=0.5, embed_dim=512
    ),
    techniques=[dict(type='R1', weight=0.05), dict(type='R2', weight=0.05)],
    ema=dict(half_life=500, ramp_up=0.05),
)
optim_wrapper = dict(
    constructor='GANOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.99))),
    discriminator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.99))),
)
# smaller steps in the second half, as there
param_scheduler = dict(
    type='CosineAnnealingLR', eta_min_ratio=0.25, begin=100_000, end=200_000
)
