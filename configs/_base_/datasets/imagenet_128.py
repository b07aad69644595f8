# ImageNet's training folder (class/image files), in data/imagenet/train or where
# IMAGENET_TRAIN says: largest centred square, 128 x 128, Lanczos as in StudioGAN today
# (at the time of the paper: bilinear).
train_dataloader = dict(
    num_workers=8,
    dataset=dict(
        type='ClassFolder',
        data_root='{{$IMAGENET_TRAIN:data/imagenet/train}}',
        pipeline=[
            dict(type='LoadImage'),
            dict(type='CenterCropSquare'),
            dict(
                type='Resize',
                scale=(128, 128),
                backend='pillow',
                interpolation='lanczos',
            ),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackImage'),
        ],
    ),
)
