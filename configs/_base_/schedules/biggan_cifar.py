# StudioGAN's schedule of BigGAN-type networks on CIFAR; 5 discriminator updates.
total_batch_size = 128
train_cfg = dict(max_iters=100_000)
optim_wrapper = dict(
    constructor='GANOptimWrapperConstructor',
    generator=dict(
        optimizer=dict(type='Adam', lr=2.8284271e-4, betas=(0.5, 0.999), eps=1e-6)
    ),
    discriminator=dict(
        optimizer=dict(type='Adam', lr=2.8284271e-4, betas=(0.5, 0.999), eps=1e-6)
    ),
)
