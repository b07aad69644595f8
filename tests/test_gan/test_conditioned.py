from copy import deepcopy

import pytest
import torch
from foreign_discriminators import (
    CLASSES,
    FOREIGN,
    PARALLEL,
    StyleGAN2,
    batch,
    dcgan,
    gradients,
    resnet18,
)
from golden_files import relative_error
from ranks import run_ranks
from tiny_methods import METHODS, discriminator_objective, generator_objective, latent
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.optim.swa_utils import AveragedModel

from reacgan_plugin.conditioning import D2DCELoss, Unconditional
from reacgan_plugin.functional import d2d_cross_entropy
from reacgan_plugin.gan.conditioned import Conditioned
from reacgan_plugin.gan.ema import averaged_copy

IMAGE, FAKE, LABEL = batch()


def conditioned(discriminator=None, loss=None, *, layer='5', **options):
    return Conditioned(
        dcgan() if discriminator is None else discriminator,
        loss or D2DCELoss(embed_dim=5),
        CLASSES,
        layer=layer,
        **options,
    )


@pytest.mark.parametrize('name', FOREIGN)
def test_a_discriminator_is_what_it_was_and_learns_classes(name):
    build, layer, width = FOREIGN[name]
    plain = build()
    loss, module = D2DCELoss(embed_dim=5), conditioned(deepcopy(plain), layer=layer)
    output = module(IMAGE, LABEL)
    assert torch.equal(output.logits, plain(IMAGE).flatten())
    assert output.features.shape == (len(IMAGE), width)
    # statistics and singular vectors have moved once, just as the plain one's
    expected, found = plain.state_dict(), module.discriminator.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    loss.discriminator(output, output)['loss_conditioning'].backward()
    first = next(module.discriminator.parameters())
    assert first.grad.abs().sum() > 0
    assert all(p.grad is None for p in module.tap.tapped.parameters())


def test_the_loss_of_its_output_is_that_of_the_plain_function():
    loss, output = D2DCELoss(embed_dim=5), conditioned()(IMAGE, LABEL)
    expected = d2d_cross_entropy(output.embedding, output.proxy, LABEL)
    assert torch.equal(loss.unweighted(output), expected)


@pytest.mark.parametrize('method', METHODS)
def test_every_method_trains_both_networks(method):
    loss, fake = METHODS[method](), FAKE.clone().requires_grad_()
    module = conditioned(loss=loss)
    z = latent(LABEL)
    judged = module(FAKE, LABEL, fake=True)._replace(z=z)
    discriminator_objective(loss, module(IMAGE, LABEL), judged).backward()
    assert module.discriminator[0].weight.grad.abs().sum() > 0
    generated = loss.judge_generated(module, fake, LABEL)._replace(z=z)
    generator_objective(loss, generated, module(IMAGE, LABEL)).backward()
    assert fake.grad.abs().sum() > 0


@pytest.mark.parametrize('method', METHODS)
def test_a_head_has_a_layer_for_the_logit_where_the_method_needs_more(method):
    module = conditioned(loss=METHODS[method]())
    needs_more = any(word in method for word in ('SPD', 'MD', 'MH'))
    assert module.own_logit is not needs_more
    assert (module.head.adversarial is None) is not needs_more
    assert module.tap.tapped.weight.requires_grad is not needs_more


WIDTHS = {
    'Linear': (lambda: nn.Linear(4, 6), 4, 6),
    'Conv2d': (lambda: nn.Conv2d(4, 6, 3), 4, 6),
    'Conv2d in groups': (lambda: nn.Conv2d(4, 6, 3, groups=2), 4, 6),
    'ConvTranspose2d': (lambda: nn.ConvTranspose2d(4, 6, 3), 4, 6),
    'spectral norm': (lambda: spectral_norm(nn.Linear(4, 6)), 4, 6),
    'old spectral norm': (lambda: nn.utils.spectral_norm(nn.Conv2d(4, 6, 3)), 4, 6),
    'of its own making': (lambda: StyleGAN2().out, 6, 1),
}


@pytest.mark.parametrize('kind', WIDTHS)
@pytest.mark.parametrize('at', ['input', 'output'])
def test_the_number_of_channels_is_read_off_the_layer(kind, at):
    build, width_in, width_out = WIDTHS[kind]
    layer = build()
    before = deepcopy(layer.state_dict())
    module = conditioned(nn.Sequential(layer), layer='0', at=at)
    assert module.in_channels == (width_in if at == 'input' else width_out)
    after = layer.state_dict()  # reading a weight was no iteration of spectral norm
    assert all(torch.equal(after[key], before[key]) for key in before)


@pytest.mark.parametrize('kind', [nn.Tanh, lambda: nn.BatchNorm2d(6)])
def test_a_layer_without_a_matrix_needs_the_number_of_channels(kind):
    with pytest.raises(ValueError, match="in_channels is needed: layer='0'"):
        conditioned(nn.Sequential(kind()), layer='0')


@pytest.mark.parametrize('layer', [nn.LazyLinear(1), nn.LazyConv2d(1, 4)], ids=repr)
@pytest.mark.parametrize('channels', [None, 6])
def test_a_lazy_layer_must_have_run_before(layer, channels):
    with pytest.raises(ValueError, match="layer='0', a Lazy.* has not run yet; run"):
        conditioned(nn.Sequential(layer), layer='0', in_channels=channels)


def test_features_may_come_out_of_any_layer():
    module = conditioned(layer='3', at='output', in_channels=6)
    output = module(IMAGE, LABEL)
    assert not module.own_logit  # what lies behind the tap is not known
    assert output.features.shape == (len(IMAGE), 6)
    assert module.discriminator[3].weight.requires_grad


def test_the_penultimate_layer_may_be_tapped_beside_the_own_logit():
    plain = StyleGAN2()
    module = conditioned(plain, layer='fc', at='output', own_logit=True)
    output = module(IMAGE, LABEL)
    assert torch.equal(output.logits, plain(IMAGE).flatten())
    assert output.features.shape == (len(IMAGE), 6)


@pytest.mark.parametrize('pool', ['sum', 'mean'])
def test_feature_maps_are_pooled_over_positions(pool):
    module = conditioned(pool=pool)
    expected = getattr(module.discriminator[:5](IMAGE), pool)((2, 3))
    assert torch.allclose(module(IMAGE, LABEL).features, expected, atol=1e-6)


def test_another_pool_raises():
    with pytest.raises(ValueError, match="pool='max' is not known"):
        conditioned(pool='max')


def test_tokens_of_a_vit_are_refused_with_the_way_out():
    build, *_ = FOREIGN['timm ViT']
    module = conditioned(build(), layer='blocks.1', in_channels=192)
    with pytest.raises(ValueError, match=r'\(8, 17, 192\).*tap the layer that reads'):
        module(IMAGE, LABEL)


def test_features_of_another_width_are_refused():
    module = conditioned(in_channels=7)
    with pytest.raises(ValueError, match=r"input of layer='5'.*allowed: \(N, 7\)"):
        module(IMAGE, LABEL)


def test_a_classifier_gets_its_logit_from_the_head_and_freezes_its_own_layer():
    module = conditioned(resnet18(num_classes=10), Unconditional(), layer='fc')
    output = module(IMAGE, LABEL)
    assert output.logits.shape == (len(IMAGE),)
    assert not any(p.requires_grad for p in module.discriminator.fc.parameters())
    output.logits.sum().backward()
    trained = [p for p in module.parameters() if p.requires_grad]
    assert all(p.grad is not None for p in trained)


class Gives(nn.Linear):
    """A layer of one number a sample, given in a form of its own."""

    def __init__(self, form):
        super().__init__(4, 1)
        self.form = form

    def forward(self, x):
        return self.form(super().forward(x))


@pytest.mark.parametrize('shape', [(8,), (8, 1), (8, 1, 1, 1)])
def test_the_own_logit_may_have_any_shape_of_one_number_a_sample(shape):
    plain, rows = nn.Sequential(Gives(lambda x: x.reshape(shape))), torch.randn(8, 4)
    output = conditioned(plain, layer='0')(rows, LABEL)
    assert torch.equal(output.logits, plain(rows).flatten())


@pytest.mark.parametrize(
    'form, found',
    [
        (lambda x: x[:, :, None, None].expand(-1, 1, 2, 2), r'shape \(8, 1, 2, 2\)'),
        (lambda x: x.T, r'shape \(1, 8\)'),
        (lambda x: x.mean(), r'shape \(\)'),
        (lambda x: (x, x), 'tuple'),
    ],
)
def test_another_form_of_the_own_output_is_refused(form, found):
    module = conditioned(nn.Sequential(Gives(form)), layer='0')
    message = f'gives {found} for 8 samples.*own_logit=False'
    with pytest.raises(ValueError, match=message):
        module(torch.randn(8, 4), LABEL)


def test_an_own_logit_is_refused_where_the_method_needs_more_numbers():
    with pytest.raises(ValueError, match='OneLogitPerClassHead needs 3 numbers'):
        conditioned(loss=METHODS['MD'](), own_logit=True)


def test_what_is_no_conditioning_is_refused():
    with pytest.raises(ValueError, match='brings no head.*D2DCELoss'):
        conditioned(loss=nn.CrossEntropyLoss())


def test_further_keywords_go_to_the_discriminator():
    module = conditioned(StyleGAN2(), Unconditional(), layer='out')
    c = torch.ones(len(LABEL), 1)
    plain, shifted = module(IMAGE, LABEL), module(IMAGE, LABEL, c=c)
    assert torch.allclose(shifted.logits, plain.logits + 1)


@pytest.mark.parametrize(
    'copied', [deepcopy, averaged_copy, lambda module: AveragedModel(module).module]
)
def test_a_copy_is_independent_and_gives_the_same(copied):
    module = conditioned().eval()
    module(IMAGE, LABEL)
    copy = copied(module).eval()
    expected = module(IMAGE, LABEL).embedding
    with torch.no_grad():
        for parameter in module.discriminator.parameters():
            parameter.zero_()
    assert torch.equal(copy(IMAGE, LABEL).embedding, expected)
    assert not torch.equal(module(IMAGE, LABEL).embedding, expected)


COMPILED = {
    'inside': lambda module, **how: conditioned(torch.compile(module, **how)),
    'outside': lambda module, **how: torch.compile(conditioned(module), **how),
}


def assert_compiled_equals_eager(where, **how):
    torch.compiler.reset()
    plain = dcgan(normalised=spectral_norm)
    eager = conditioned(deepcopy(plain))
    module = COMPILED[where](plain, **how)
    module.head.load_state_dict(eager.head.state_dict())
    for image, fake in ((IMAGE, False), (FAKE, True), (IMAGE, False)):
        found, expected = (m(image, LABEL, fake=fake) for m in (module, eager))
        for key in ('logits', 'features', 'embedding', 'proxy'):
            actual, of_eager = getattr(found, key), getattr(expected, key)
            assert torch.allclose(actual, of_eager, atol=1e-5), key
        for m, output in ((module, found), (eager, expected)):
            m.zero_grad()
            D2DCELoss().unweighted(output).backward()
    gradients = [m.tap.discriminator.parameters() for m in (module, eager)]
    for actual, of_eager in zip(*gradients, strict=True):
        if of_eager.grad is not None:
            assert relative_error(actual.grad, of_eager.grad) < 1e-4


@pytest.mark.parametrize('where', COMPILED)
def test_compiled_inside_or_outside_it_gives_the_same(where):
    assert_compiled_equals_eager(where, backend='aot_eager', fullgraph=True)


@pytest.mark.slow
@pytest.mark.parametrize('where', COMPILED)
def test_compiled_by_inductor_it_gives_the_same(where):
    assert_compiled_equals_eager(where)


def test_two_processes_have_the_gradients_of_one(tmp_path):
    ranks = run_ranks('conditioned_worker.py', world=2, folder=tmp_path)
    for method in PARALLEL:
        expected = gradients(method)
        for found, _ in ranks:
            assert found[method].keys() == expected.keys()
            for key, gradient in expected.items():
                error = relative_error(found[method][key], gradient, floor=1e-4)
                assert error < 1e-5, f'{method}, {key}'
    for _, refusal in ranks:
        assert 'holds a DistributedDataParallel' in refusal


def test_the_discriminator_cannot_be_replaced_behind_the_tap():
    module = conditioned()
    with pytest.raises(AttributeError, match='discriminator cannot be replaced'):
        module.discriminator = dcgan()
    assert set(dict(module.named_children())) == {'tap', 'head'}


def test_a_discriminator_in_a_parallel_wrapper_is_refused():
    wrapped = nn.DataParallel(dcgan())
    with pytest.raises(ValueError, match='holds a DataParallel.*wrap the result'):
        conditioned(wrapped, layer='module.5')
