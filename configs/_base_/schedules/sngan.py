# StudioGAN's default schedule, that of SNGAN on CIFAR-10.
total_batch_size = 64
train_cfg = dict(max_iters=100_000)
optim_wrapper = dict(
    constructor='GANOptimWrapperConstructor',
    generator=dict(optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999), eps=1e-6)),
    discriminator=dict(
        optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999), eps=1e-6)
    ),
)
