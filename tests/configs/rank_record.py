"""The demo, tiny, on several ranks; each rank records what it saw."""

_base_ = ['tiny.py']

custom_imports = dict(imports=['rank_record'])
model = dict(d_updates=2, accumulation=2)
custom_hooks = [dict(type='RankRecordHook')]
