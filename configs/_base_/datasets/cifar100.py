# CIFAR-100 from its published files, in data/cifar100 or where CIFAR100_ROOT says.
train_dataloader = dict(
    num_workers=4,
    dataset=dict(
        type='CIFAR100',
        data_root='{{$CIFAR100_ROOT:data/cifar100}}',
        split='train',
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackImage'),
        ],
    ),
)
