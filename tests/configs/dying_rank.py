"""The demo, tiny, on two ranks, of which one is killed."""

_base_ = ['tiny.py']

custom_imports = dict(imports=['dying_rank'])
train_cfg = dict(max_iters=100000)
custom_hooks = [dict(type='DyingRankHook')]
