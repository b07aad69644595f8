"""Grey images from the data set to samples and metrics, set by one word."""

import re

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict
from PIL import Image
from technique_cases import OPTIONS, TECHNIQUES
from tiny_gan import NETWORKS, PlainBackbone, PlainGenerator
from tiny_runs import ROOT, arguments, same_state

from reacgan_plugin import techniques
from reacgan_plugin.backbones import StyleGAN2Discriminator, StyleGAN2Generator
from reacgan_plugin.conditioning import PD, D2DCELoss
from reacgan_plugin.data.preprocess import ImagePreprocessor
from reacgan_plugin.evaluate import run as evaluate
from reacgan_plugin.evaluation.generators import GeneratedImages, Sampling
from reacgan_plugin.gan.adversarial import Hinge
from reacgan_plugin.gan.discriminator import Discriminator
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.networks import check_channels
from reacgan_plugin.sample import run as sample
from reacgan_plugin.train import run as train

GREY = str(ROOT / 'configs' / 'biggan_reacgan_digits_grey.py')


def grey_run(work_dir, *flags, **overrides):
    return [GREY, *arguments(work_dir, *flags, **overrides)[1:]]


def grey_gan(*used, image_channels=1):
    """A StyleGAN2 of one channel; the model may be told another number."""
    torch.manual_seed(0)
    widths = dict(size=8, channel_base=32, channel_max=4, image_channels=1)
    styles = dict(num_classes=3, z_dim=4, w_dim=4, mapping_layers=1)
    return ConditionalGAN(
        StyleGAN2Generator(**styles, **widths),
        StyleGAN2Discriminator(**widths),
        D2DCELoss(embed_dim=4),
        num_classes=3,
        image_channels=image_channels,
        adversarial_loss=Hinge(),
        data_preprocessor=ImagePreprocessor(),
        techniques=used,
    )


def levels(path):
    """RGB levels (H, W, 3) of a picture."""
    return np.asarray(Image.open(path).convert('RGB'))


def assert_grey(image):
    assert (image == image[..., :1]).all()
    assert len(np.unique(image)) > 20


def test_a_grey_run_leaves_grey_samples_and_a_checkpoint_that_makes_more(tmp_path):
    """R36: training, previews and sampling of one channel."""
    config = tmp_path / 'grey.py'
    config.write_text(
        "_base_ = 'reacgan_plugin::biggan_reacgan_digits_grey.py'\n"
        "custom_hooks = [dict(type='SampleGridHook', per_class=2)]\n"
    )
    words = grey_run(tmp_path, hooks=True, train_cfg__max_iters=2)[1:]
    assert train([str(config), *words]) == 0
    checkpoint = str(tmp_path / 'iter_2.pth')
    state = torch.load(checkpoint, weights_only=True)['state_dict']
    assert state['generator.output.bias'].shape == (1,)
    assert_grey(levels(tmp_path / 'samples' / 'iter_000002.png'))
    assert sample([checkpoint, '--class', '3', '--out', f'{tmp_path}/threes.png']) == 0
    assert_grey(levels(tmp_path / 'threes.png'))
    words = ['--class', '3', '--num', '2', '--out', f'{tmp_path}/by_itself']
    assert sample([checkpoint, *words]) == 0
    files = list((tmp_path / 'by_itself').rglob('*.png'))
    assert len(files) == 2
    for file in files:
        assert_grey(levels(file))


@pytest.mark.slow
def test_grey_samples_have_metrics_in_a_run_and_after_it(tmp_path):
    """R36: metrics of one channel."""
    few = dict(custom_hooks__2__per_class=2, custom_hooks__5__num_images=30)
    assert train(grey_run(tmp_path, hooks=True, train_cfg__max_iters=2, **few)) == 0
    assert 'label_agreement' in (tmp_path / 'metrics.json').read_text()
    log = next(tmp_path.glob('*/*.log')).read_text()
    assert 'probe accuracy' in log
    out = tmp_path / 'evaluated.json'
    words = ['--extractor', 'probe', '--num', '20', '--metrics', 'FID']
    places = ['--out', str(out), '--cache-dir', str(tmp_path / 'cache')]
    assert evaluate([str(tmp_path / 'iter_2.pth'), *words, *places]) == 0
    assert 'FID' in out.read_text()


def test_metrics_see_grey_samples_in_three_equal_colours():
    images = GeneratedImages(grey_gan(), 5, Sampling())
    (batch,) = images.batches([np.arange(5)])
    assert batch.dtype == torch.uint8 and batch.shape == (5, 3, 8, 8)
    assert (batch == batch[:, :1]).all()


def test_grey_images_kept_on_the_device_give_the_same_run(tmp_path):
    states = []
    for resident in (False, True):
        folder = tmp_path / str(resident)
        options = dict(train_cfg__max_iters=2, train_dataloader__resident=resident)
        assert train(grey_run(folder, **options)) == 0
        states.append(torch.load(folder / 'iter_2.pth', weights_only=True))
    first, second = (state['state_dict'] for state in states)
    assert same_state(first, second) == []


@pytest.mark.parametrize(
    'overrides, message',
    [
        (dict(model__image_channels=3), r'1 channel\(s\).*expect 3.*image_channels=1'),
        (dict(model__image_channels=2), 'model.image_channels=2 is not known.*1, 3'),
        (
            dict(model__generator__image_channels=3),
            'model.generator.image_channels=3, but model.image_channels=1; leave',
        ),
        (
            dict(train_dataloader__dataset__pipeline__0__channels=3),
            r"3 channel\(s\).*expect 1; set dict\(type='LoadImage', channels=1\)",
        ),
    ],
)
def test_channels_that_do_not_fit_are_one_clear_message(
    tmp_path, capsys, overrides, message
):
    assert train(grey_run(tmp_path, **overrides)) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert re.search(message, error)


@pytest.mark.parametrize('name', TECHNIQUES)
def test_every_technique_takes_grey_images(name):
    model = grey_gan(getattr(techniques, name)(**OPTIONS.get(name, {}))).train()
    optimizers = OptimWrapperDict(
        **{
            network: OptimWrapper(
                torch.optim.SGD(getattr(model, network).parameters(), lr=1e-3)
            )
            for network in NETWORKS
        }
    )
    data = dict(image=torch.rand(4, 1, 8, 8) * 2 - 1, label=torch.tensor([0, 1, 2, 0]))
    for _ in range(2):
        terms = model.train_step(data, optimizers)
    assert all(value.isfinite().all() for value in terms.values())


def test_a_network_of_other_channels_than_the_model_is_named():
    with pytest.raises(ValueError, match=r'model.generator .* 1 channel.*channels=3'):
        grey_gan(image_channels=3)


def test_networks_that_say_nothing_of_channels_are_believed():
    generator, backbone = PlainGenerator(), PlainBackbone()
    head = PD().build_head(backbone.out_channels, 3)
    discriminator = Discriminator(backbone, head)
    for channels in (1, 3):
        assert check_channels(generator, discriminator, channels) is None
