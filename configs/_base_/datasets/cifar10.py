# CIFAR-10 from its published files, in data/cifar10 or where CIFAR10_ROOT says.
train_dataloader = dict(
    num_workers=4,
    dataset=dict(
        type='CIFAR10',
        data_root='{{$CIFAR10_ROOT:data/cifar10}}',
        split='train',
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackImage'),
        ],
    ),
)
