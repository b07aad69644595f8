# StudioGAN's schedule of BigGAN-type networks at 64 x 64.
total_batch_size = 1024
train_cfg = dict(max_iters=100_000)
optim_wrapper = dict(
    constructor='GANOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=1e-4, betas=(0.0, 0.999), eps=1e-6)),
    discriminator=dict(
        optimizer=dict(type='Adam', lr=4e-4, betas=(0.0, 0.999), eps=1e-6)
    ),
)
