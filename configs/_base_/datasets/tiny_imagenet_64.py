# Tiny-ImageNet's training images, as published: class folders in
# data/tiny-imagenet-200/train, or where TINY_IMAGENET_TRAIN says.
_base_ = 'class_folder_64.py'
train_dataloader = dict(
    dataset=dict(data_root='{{$TINY_IMAGENET_TRAIN:data/tiny-imagenet-200/train}}')
)
