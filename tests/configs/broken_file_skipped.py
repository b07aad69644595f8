"""The same, surviving broken files."""

_base_ = ['broken_file.py']

train_dataloader = dict(
    dataset=dict(
        _delete_=True, type='SkipBroken', dataset=_base_.train_dataloader.dataset
    )
)
