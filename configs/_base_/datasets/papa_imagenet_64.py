# Papa-ImageNet, StudioGAN's 100 classes of ImageNet: class folders in
# data/papa_imagenet/train, or where PAPA_IMAGENET_TRAIN says.
_base_ = 'class_folder_64.py'
train_dataloader = dict(
    dataset=dict(data_root='{{$PAPA_IMAGENET_TRAIN:data/papa_imagenet/train}}')
)
