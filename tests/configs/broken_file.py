"""The demo, tiny, on class folders in ``BROKEN_FILE_DATA``, images in their order."""

_base_ = ['../../configs/biggan_reacgan_digits.py']

import os  # noqa: E402

custom_imports = dict(imports=['rank_record'])
total_batch_size = 8
train_cfg = dict(max_iters=4)
model = dict(
    generator=dict(base_channels=2, z_dim=8, shared_dim=4),
    discriminator=dict(base_channels=4),
)
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
