"""ReACGAN with BigGAN-deep on ImageNet 128 x 128, batch 256 (PyTorch-StudioGAN,
configs/ImageNet/ReACGAN-Deep-256.yaml)."""

_base_ = [
    '_base_/models/biggan_deep_128.py',
    '_base_/datasets/imagenet_128.py',
    '_base_/schedules/biggan_128.py',
    '_base_/runtime.py',
]

sync_bn = True  # batch statistics over all GPUs; without effect on one or on a CPU
model = dict(
    loss=dict(
        type='D2DCE',
        margin=0.9,
        temperature=0.25,
        loss_weight=0.5,
        # the published runs logged losses below the floor of Eq. 6: they were trained
        # with the reference's scaled negatives
        formula='studiogan',
        embed_dim=2048,
    ),
    d_updates=2,
    ema=dict(decay=0.9999, start=20_000),
)
