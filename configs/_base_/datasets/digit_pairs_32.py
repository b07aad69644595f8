# Pairs of scikit-learn's real digits in 100 classes, 8 x 16 shown at 32 x 32.
to_32 = [
    dict(type='LoadImage'),
    dict(type='Resize', scale=(32, 32), backend='pillow', interpolation='bicubic'),
    dict(type='PackImage'),
]
train_dataloader = dict(dataset=dict(type='DigitPairs', split='train', pipeline=to_32))
held_out = dict(type='DigitPairs', split='test', per_class=30, pipeline=to_32)
