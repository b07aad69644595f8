# StudioGAN's schedule of BigGAN-type networks at 128 x 128.
total_batch_size = 256
train_cfg = dict(max_iters=200_000)
optim_wrapper = dict(
    constructor='GANOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=5e-5, betas=(0.0, 0.999), eps=1e-6)),
    discriminator=dict(
        optimizer=dict(type='Adam', lr=2e-4, betas=(0.0, 0.999), eps=1e-6)
    ),
)
