"""Multi-hinge on real handwritten digits, with what it needs to leave chance there.

Under spectral norm its loss is lowered fastest by shrinking the features, after which
all classes tie; without, the discriminator wins, unless R1 and R2 hold it back. Weights
of the generator's terms, penalties and learning rates are ours, found by trying.
"""

_base_ = 'biggan_reacgan_digits.py'

train_cfg = dict(max_iters=2000)
model = dict(
    generator=dict(spectral_norm=False),
    discriminator=dict(spectral_norm=False),
    loss=dict(_delete_=True, type='MH', generator_weight=1.0, feature_weight=0.1),
    techniques=[
        dict(type='R1', weight=8.0, interval=2),
        dict(type='R2', weight=8.0, interval=2),
    ],
)
optim_wrapper = dict(
    generator=dict(optimizer=dict(lr=1e-3, betas=(0.0, 0.9))),
    discriminator=dict(optimizer=dict(lr=1e-3, betas=(0.0, 0.9))),
)
param_scheduler = dict(begin=1000, end=2000)
