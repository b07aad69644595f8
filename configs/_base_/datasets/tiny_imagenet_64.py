# Tiny-ImageNet's training images from its published files, in data/tiny-imagenet-200 or
# where TINY_IMAGENET_ROOT says. They have 64 x 64 pixels already.
train_dataloader = dict(
    num_workers=8,
    dataset=dict(
        type='TinyImageNet',
        data_root='{{$TINY_IMAGENET_ROOT:data/tiny-imagenet-200}}',
        split='train',
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackImage'),
        ],
    ),
)
