# AFHQ's training images: class folders cat, dog and wild in data/afhq/train, or where
# AFHQ_TRAIN says.
_base_ = 'class_folder_512.py'
train_dataloader = dict(dataset=dict(data_root='{{$AFHQ_TRAIN:data/afhq/train}}'))
