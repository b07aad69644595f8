# ImageNet's training images: class folders in data/imagenet/train, or where
# IMAGENET_TRAIN says.
_base_ = 'class_folder_128.py'
train_dataloader = dict(
    dataset=dict(data_root='{{$IMAGENET_TRAIN:data/imagenet/train}}')
)
