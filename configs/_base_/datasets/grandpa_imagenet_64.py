# Grandpa-ImageNet, StudioGAN's 100 classes of ImageNet: class folders in
# data/grandpa_imagenet/train, or where GRANDPA_IMAGENET_TRAIN says.
_base_ = 'class_folder_64.py'
train_dataloader = dict(
    dataset=dict(data_root='{{$GRANDPA_IMAGENET_TRAIN:data/grandpa_imagenet/train}}')
)
