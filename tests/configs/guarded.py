"""The demo, tiny, on several ranks; the last one meets a fault and all go back."""

_base_ = ['rank_record.py']

custom_imports = dict(imports=['rank_record', 'guard_faults'])
train_cfg = dict(max_iters=6)
default_hooks = dict(
    guard=dict(policy='rollback'),
    checkpoint=dict(interval=2),
    logger=dict(interval=1),
)
custom_hooks = [
    dict(type='FaultHook', at=4, of_rank=1),
    dict(type='RankRecordHook'),
]
