# StyleGAN2's schedule: Adam with lr 2.5e-3, betas 0 and 0.99, of which every network
# has interval / (interval + 1), since a penalty every so many iterations counts as a
# step of its own (Karras et al. 2020, appendix B): 4 for the generator, 16 for the
# discriminator.
total_batch_size = 64
train_cfg = dict(max_iters=200_000)
optim_wrapper = dict(
    constructor='GANOptimWrapperConstructor',
    generator=dict(
        optimizer=dict(
            type='Adam', lr=2.5e-3 * 4 / 5, betas=(0.0, 0.99 ** (4 / 5)), eps=1e-8
        )
    ),
    discriminator=dict(
        optimizer=dict(
            type='Adam', lr=2.5e-3 * 16 / 17, betas=(0.0, 0.99 ** (16 / 17)), eps=1e-8
        )
    ),
)
