"""The demo on grey images: one channel from the file to the samples."""

_base_ = 'biggan_reacgan_digits.py'

grey_to_32 = [dict(type='LoadImage', channels=1), *_base_.to_32[1:]]
model = dict(image_channels=1)
train_dataloader = dict(dataset=dict(pipeline=grey_to_32))
