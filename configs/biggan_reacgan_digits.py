"""The demo: ReACGAN on real handwritten digits, minutes on a laptop's CPU.

Widths, batch and iterations are small enough for a CPU; learning rates, average and
embedding are ours, found by trying. Margin and temperature are those of the published
ImageNet run with batch 2048: samples within 0.9 of their proxy are left alone, which
keeps them more varied here than the 0.98 of the CIFAR-10 run.
"""

_base_ = [
    '_base_/models/biggan_32.py',
    '_base_/datasets/digits_32.py',
    '_base_/runtime.py',
]

total_batch_size = 32
train_cfg = dict(max_iters=3000)
model = dict(
    generator=dict(base_channels=8, z_dim=64, shared_dim=32),
    discriminator=dict(base_channels=16),
    loss=dict(
        type='D2DCE', margin=0.9, temperature=0.25, loss_weight=0.5, embed_dim=128
    ),
    ema=dict(decay=0.98, start=100),
)
optim_wrapper = dict(
    constructor='GANOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=5e-4, betas=(0.0, 0.999))),
    discriminator=dict(optimizer=dict(type='Adam', lr=1e-3, betas=(0.0, 0.999))),
)
# smaller steps in the second half let the samples settle
param_scheduler = dict(
    type='LinearLR', start_factor=1.0, end_factor=0.1, begin=1500, end=3000
)
default_hooks = dict(checkpoint=dict(interval=500))
custom_hooks = [
    dict(type='SampleGridHook', interval=500),
    dict(type='LossCurveHook'),
    dict(
        type='ProbeReportHook',
        train=_base_.train_dataloader.dataset,
        held_out=_base_.held_out,
    ),
    dict(type='MetricsFileHook'),
    dict(type='DiagnosticsHook', interval=100),
    dict(
        type='EvaluationHook',
        metrics=[
            dict(type='FID'),
            dict(type='PrecisionRecall'),
            dict(type='LabelAgreement'),
        ],
        # in place of Inception, whose weights are no part of this package
        extractor=dict(type='ProbeExtractor', train=_base_.train_dataloader.dataset),
        interval=500,
        num_images=1000,
    ),
]
