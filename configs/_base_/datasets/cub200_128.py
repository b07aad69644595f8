# CUB-200's training images from its published files, in data/CUB_200_2011 or where
# CUB200_ROOT says: largest centred square, 128 x 128, as in class_folder_128.py.
_base_ = 'class_folder_128.py'
train_dataloader = dict(
    dataset=dict(
        type='CUB200', data_root='{{$CUB200_ROOT:data/CUB_200_2011}}', split='train'
    )
)
