import gc
import pickle
import weakref
from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.checkpoint import checkpoint

from reacgan_plugin.backbones.tap import FeatureTap
from reacgan_plugin.gan.ema import averaged_copy


def discriminator():
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1))


def compiled(module):
    return torch.compile(module, backend='aot_eager')


@pytest.fixture
def image():
    return torch.randn(3, 4)


@pytest.mark.parametrize(
    'layer, at, parts',
    [('2', 'input', 2), ('1', 'output', 2), ('0', 'output', 1), ('0', 'input', 0)],
)
def test_a_tap_gives_the_output_and_one_side_of_the_layer(image, layer, at, parts):
    inner = discriminator()
    output, features = FeatureTap(inner, layer, at=at)(image)
    assert torch.equal(output, inner(image))
    assert torch.equal(features, inner[:parts](image))


def test_gradients_reach_the_layers_before_through_the_features_of_several_calls(image):
    tap = FeatureTap(discriminator(), '2')
    (real, real_features), (fake, fake_features) = tap(image), tap(-image)
    assert not torch.equal(real, fake)
    (real_features - fake_features).sum().backward()
    assert tap.discriminator[0].weight.grad.abs().sum() > 0
    assert tap.discriminator[2].weight.grad is None


class Named(nn.Module):
    """Calls its layer the way that ``call`` says."""

    def __init__(self, layer, call):
        super().__init__()
        self.layer, self.call = layer, call

    def forward(self, *inputs):
        return self.call(self.layer, *inputs)


class Several(nn.Module):
    def forward(self, kind, first=None, second=None):
        return kind, first, second


@pytest.mark.parametrize(
    'call',
    [
        lambda layer, x: layer('kind', x, 2 * x),
        lambda layer, x: layer('kind', first=x, second=2 * x),
    ],
)
def test_of_several_inputs_the_first_tensor_counts(image, call):
    assert FeatureTap(Named(Several(), call), 'layer')(image)[1] is image


def test_of_several_outputs_the_first_tensor_counts(image):
    named = Named(Several(), lambda layer, x: layer('kind', x, 2 * x))
    assert FeatureTap(named, 'layer', at='output')(image)[1] is image


@pytest.mark.parametrize('at', ['input', 'output'])
def test_a_layer_without_a_tensor_is_an_error(image, at):
    named = Named(Several(), lambda layer, x: layer('kind'))
    with pytest.raises(RuntimeError, match=f"'layer' has no tensor as its {at}"):
        FeatureTap(named, 'layer', at=at)(image)


def test_an_unknown_layer_raises_and_names_the_nearest():
    inner = nn.ModuleDict({'trunk': nn.Identity(), 'linear': nn.Linear(2, 1)})
    with pytest.raises(
        ValueError,
        match=r"'linaer' is not in ModuleDict; allowed: trunk, linear "
        r"\(did you mean 'linear'\?\)",
    ):
        FeatureTap(inner, 'linaer')


def test_the_discriminator_itself_is_no_layer_of_it():
    with pytest.raises(ValueError, match="layer='' is not in Sequential"):
        FeatureTap(discriminator(), '')


def test_another_side_raises():
    with pytest.raises(ValueError, match="at='inputs'.*did you mean 'input'"):
        FeatureTap(discriminator(), '2', at='inputs')


def test_a_layer_that_did_not_run_is_an_error(image):
    tap = FeatureTap(Named(nn.Identity(), lambda layer, x: x), 'layer')
    with pytest.raises(RuntimeError, match="'layer' did not run in this call"):
        tap(image)


def test_a_layer_that_ran_twice_is_an_error(image):
    tap = FeatureTap(Named(nn.Identity(), lambda layer, x: layer(layer(x))), 'layer')
    with pytest.raises(RuntimeError, match="'layer' ran 2 times in this call"):
        tap(image)


def test_a_layer_shared_under_two_names_has_both(image):
    shared = nn.Linear(4, 4)
    inner = nn.Sequential()
    inner.first = inner.again = shared
    for name in ('first', 'again'):
        assert FeatureTap(inner, name).tapped is shared


def test_nothing_is_kept_between_calls(image):
    tap = FeatureTap(discriminator(), '2')
    kept = weakref.ref(tap(image)[1])
    gc.collect()
    assert kept() is None


def test_calls_by_others_leave_no_trace(image):
    tap = FeatureTap(discriminator(), '2')
    tap.discriminator(-image)
    assert tap._recorder.tensors is None
    assert torch.equal(tap(image)[1], tap.discriminator[:2](image))


def test_the_second_run_of_checkpointing_leaves_no_trace(image):
    block, runs = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4)), []
    block[2].register_forward_pre_hook(lambda *_: runs.append(tap._recorder.tensors))
    tap = FeatureTap(
        Named(block, lambda layer, x: checkpoint(layer, x, use_reentrant=False)),
        'layer.2',
    )
    output, features = tap(image)
    (output.sum() + features.square().sum()).backward()
    assert [tensors is None for tensors in runs] == [False, True]
    gradient = block[0].weight.grad.clone()
    block.zero_grad()
    hidden = block[:2](image)
    (block[2](hidden).sum() + hidden.square().sum()).backward()
    assert torch.allclose(gradient, block[0].weight.grad)


def test_a_call_that_failed_leaves_nothing_behind(image):
    tap = FeatureTap(discriminator(), '1')
    failing = tap.discriminator[2].register_forward_pre_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tap(image)
    assert tap._recorder.tensors is None
    failing.remove()
    assert torch.equal(tap(image)[1], tap.discriminator[:1](image))


def by_pickle(tap):
    return pickle.loads(pickle.dumps(tap))


@pytest.mark.parametrize(
    'copied',
    [deepcopy, by_pickle, averaged_copy, lambda tap: AveragedModel(tap).module],
)
@pytest.mark.parametrize('at', ['input', 'output'])
def test_a_copy_listens_to_its_own_layer(image, copied, at):
    tap = FeatureTap(discriminator(), '1', at=at)
    tap(image)
    copy = copied(tap)
    with torch.no_grad():
        copy.discriminator[0].weight.zero_()
        copy.discriminator[0].bias.zero_()
    assert torch.count_nonzero(copy(image)[1]) == 0
    assert torch.count_nonzero(tap(image)[1]) > 0
    hooks = [
        hook
        for kind in ('_forward_pre_hooks', '_forward_hooks')
        for hook in getattr(copy.tapped, kind).values()
    ]
    assert [hook.__self__ for hook in hooks] == [copy._recorder]
    assert copy._recorder is not tap._recorder


def test_an_average_of_a_tap_moves_with_it(image):
    tap = FeatureTap(discriminator(), '2')
    average = AveragedModel(tap, avg_fn=lambda old, new, _: new)
    average.update_parameters(tap)
    with torch.no_grad():
        tap.discriminator[0].weight.add_(1)
    average.update_parameters(tap)
    for actual, expected in zip(average(image), tap(image), strict=True):
        assert torch.equal(actual, expected)


def test_plain_state_dicts_load_into_the_discriminator_as_before():
    tap, plain = FeatureTap(discriminator(), '2'), discriminator()
    tap.discriminator.load_state_dict(plain.state_dict())
    assert torch.equal(tap.discriminator[0].weight, plain[0].weight)
    assert list(tap.state_dict()) == [f'discriminator.{k}' for k in plain.state_dict()]


def test_two_taps_on_one_discriminator_do_not_mix(image):
    inner = discriminator()
    first, second = FeatureTap(inner, '1'), FeatureTap(inner, '2')
    assert torch.equal(first(image)[1], inner[:1](image))
    assert torch.equal(second(image)[1], inner[:2](image))


def test_threads_of_data_parallel_are_refused():
    tap = FeatureTap(discriminator(), '2')
    with pytest.raises(RuntimeError, match='use DistributedDataParallel'):
        tap._replicate_for_data_parallel()  # what nn.DataParallel does on GPUs


@pytest.mark.parametrize('layer', ['2', '_orig_mod.2'])
def test_the_layers_of_a_compiled_discriminator_keep_their_names(image, layer):
    inner = discriminator()
    tap = FeatureTap(compiled(inner), layer)
    for batch in (image, -image):
        output, features = tap(batch)
        assert torch.allclose(output, inner(batch))
        assert torch.allclose(features, inner[:2](batch))
    tap.discriminator(image)
    assert tap._recorder.tensors is None
    features.sum().backward()
    assert inner[0].weight.grad.abs().sum() > 0


def test_a_compiled_layer_is_tapped_from_outside(image):
    inner = discriminator()
    inner[2] = compiled(inner[2])
    assert torch.equal(FeatureTap(inner, '2')(image)[1], inner[:2](image))


def test_a_tap_compiles_in_one_graph(image):
    tap = FeatureTap(discriminator(), '2')
    whole = torch.compile(tap, backend='aot_eager', fullgraph=True)
    for batch in (image, -image):
        for actual, expected in zip(whole(batch), tap(batch), strict=True):
            assert torch.allclose(actual, expected)
    assert tap._recorder.tensors is None


def test_a_copy_of_a_compiled_tap_listens_to_its_own_layer(image):
    tap = FeatureTap(compiled(discriminator()), '2')
    tap(image)
    copy = deepcopy(tap)
    with torch.no_grad():
        for parameter in copy.parameters():
            parameter.zero_()
    assert torch.count_nonzero(copy(image)[1]) == 0
    assert torch.count_nonzero(tap(image)[1]) > 0


def test_a_tap_after_the_first_compiled_call_is_an_error(image):
    inner = compiled(discriminator())
    inner(image)
    tap = FeatureTap(inner, '2')
    with pytest.raises(RuntimeError, match='tap it before the first compiled call'):
        tap(image)
