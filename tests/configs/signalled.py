"""The tiny demo, endless, sent a signal."""

_base_ = ['killed.py']

custom_imports = dict(imports=['signalled'])
train_cfg = dict(max_iters=10**6)
default_hooks = dict(checkpoint=dict(max_keep_ckpts=2, interval=1000))
custom_hooks = [dict(type='SignalHook')]
