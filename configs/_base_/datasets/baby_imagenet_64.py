# Baby-ImageNet, StudioGAN's 100 classes of ImageNet: class folders in
# data/baby_imagenet/train, or where BABY_IMAGENET_TRAIN says.
_base_ = 'class_folder_64.py'
train_dataloader = dict(
    dataset=dict(data_root='{{$BABY_IMAGENET_TRAIN:data/baby_imagenet/train}}')
)
