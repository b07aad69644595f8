"""The same with an evaluation that would take an hour."""

_base_ = ['signalled.py']

few = dict(type='PerClass', dataset=_base_.train_dataloader.dataset, count=5)
custom_hooks = [
    dict(type='SignalHook', at='evaluation'),
    dict(
        type='EvaluationHook',
        metrics=[dict(type='FID')],
        extractor=dict(type='ProbeExtractor', train=few),
        interval=2,
        num_images=10**6,
    ),
]
