# Class folders of images: largest centred square, 512 x 512, Lanczos as in StudioGAN
# today.
train_dataloader = dict(
    num_workers=8,
    dataset=dict(
        type='ClassFolder',
        pipeline=[
            dict(type='LoadImage'),
            dict(type='CenterCropSquare'),
            dict(
                type='Resize',
                scale=(512, 512),
                backend='pillow',
                interpolation='lanczos',
            ),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackImage'),
        ],
    ),
)
