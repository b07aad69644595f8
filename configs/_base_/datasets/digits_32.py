# 1,797 real handwritten digits that scikit-learn ships, 8 x 8 shown at 32 x 32.
to_32 = [
    dict(type='LoadImage'),
    dict(type='Resize', scale=(32, 32), backend='pillow', interpolation='bicubic'),
    dict(type='PackImage'),
]
train_dataloader = dict(dataset=dict(type='Digits', split='train', pipeline=to_32))
held_out = dict(type='Digits', split='test', pipeline=to_32)
