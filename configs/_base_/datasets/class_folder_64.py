# Class folders of images: largest centred square, 64 x 64, Lanczos as in StudioGAN
# today (at the time of the paper: bilinear).
train_dataloader = dict(
    num_workers=8,
    dataset=dict(
        type='ClassFolder',
        pipeline=[
            dict(type='LoadImage'),
            dict(type='CenterCropSquare'),
            dict(
                type='Resize',
                scale=(64, 64),
                backend='pillow',
                interpolation='lanczos',
            ),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackImage'),
        ],
    ),
)
