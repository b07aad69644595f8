"""The demo, tiny, on class folders in ``BROKEN_FILE_DATA``, images in their order."""

_base_ = ['tiny.py']

import os  # noqa: E402

custom_imports = dict(imports=['rank_record'])
train_dataloader = dict(
    num_workers=1,
    shuffle=False,
    dataset=dict(
        _delete_=True,
        type='ClassFolder',
        data_root=os.environ.get('BROKEN_FILE_DATA', ''),
        pipeline=_base_.to_32,
    ),
)
custom_hooks = [dict(type='RankRecordHook')]
