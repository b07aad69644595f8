# CUB-200's training images: class folders in data/cub200/train, or where CUB200_TRAIN
# says.
_base_ = 'class_folder_128.py'
train_dataloader = dict(dataset=dict(data_root='{{$CUB200_TRAIN:data/cub200/train}}'))
