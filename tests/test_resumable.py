"""Whether a run may go on from the state of its optimizers, whatever their method."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim.optimizer.builder import TORCH_OPTIMIZERS
from mmengine.registry import OPTIMIZERS
from tiny_data import pixels, put
from tiny_runs import arguments

from reacgan_plugin.checkpoint import BadCheckpoint
from reacgan_plugin.resumable import check_optimizers, other_classes
from reacgan_plugin.train import run

# which step by a closure, and by sparse gradients alone
OTHERS = {'Optimizer', 'LBFGS', 'SparseAdam'}
NAMES = [
    'TorchAdafactor' if name == 'Adafactor' else name
    for name in TORCH_OPTIMIZERS
    if name not in OTHERS
]
SHAPES = ((3, 2), (2, 3, 1, 1), (3,), ())
OF_MATRICES = {'Muon': SHAPES[:1]}


def stepped(name: str, shapes=None, **options):
    """A wrapper of an optimizer that has made two steps."""
    shapes = shapes or OF_MATRICES.get(name, SHAPES)
    parameters = [torch.nn.Parameter(torch.ones(shape)) for shape in shapes]
    optimizer = OPTIMIZERS.get(name)(parameters, lr=0.01, **options)
    for _ in range(2):
        for parameter in parameters:
            parameter.grad = torch.ones_like(parameter)
        optimizer.step()
    return SimpleNamespace(optimizer=optimizer)


def check(ours, state: dict) -> None:
    check_optimizers({'generator': ours}, {'generator': state}, 'iter_2.pth')


def saved(wrapper) -> dict:
    return copy.deepcopy(wrapper.optimizer.state_dict())


@pytest.mark.parametrize('name', NAMES)
def test_every_optimizer_of_torch_goes_on_from_its_own_state(name):
    ours = stepped(name)
    before = saved(ours)
    check(ours, saved(stepped(name)))
    ours.optimizer.load_state_dict(before)
    assert str(saved(ours)) == str(before)


@pytest.mark.parametrize(
    'name, options',
    [
        ('SGD', dict(momentum=0.9)),
        ('Adam', dict(amsgrad=True)),
        ('AdamW', dict(fused=True)),
        ('RMSprop', dict(momentum=0.9, centered=True)),
    ],
)
def test_so_it_does_with_options_that_keep_more(name, options):
    check(stepped(name, **options), saved(stepped(name, **options)))


@pytest.mark.parametrize('name', [n for n in NAMES if n != 'SGD'])
def test_a_state_of_another_shape_or_that_lacks_an_entry_is_refused(name):
    ours = stepped(name)
    for damage in (
        lambda entries, entry: entries.pop(entry),
        lambda entries, entry: entries.update({entry: torch.ones(3, 7)}),
        lambda entries, entry: entries.update({entry: 'text'}),
    ):
        for number in range(len(saved(ours)['state'])):
            for entry in saved(ours)['state'][number]:
                state = saved(ours)
                damage(state['state'][number], entry)
                message = f'generator has another state of parameter {number} than'
                with pytest.raises(BadCheckpoint, match=message):
                    check(ours, state)


def test_a_state_of_another_method_is_refused():
    with pytest.raises(BadCheckpoint, match=r'another state of parameter 0 than .*sum'):
        state = saved(stepped('Adam'))
        state['param_groups'] = saved(stepped('Adagrad'))['param_groups']
        check(stepped('Adagrad'), state)


class Asking(torch.optim.SGD):
    """An optimizer that nothing can be found out about."""

    def step(self, closure):
        return super().step(closure)


def test_what_an_optimizer_that_cannot_be_asked_keeps_is_taken_as_it_is():
    parameter = torch.nn.Parameter(torch.ones(3))
    parameter.grad = torch.ones(3)
    ours = SimpleNamespace(optimizer=Asking([parameter], lr=0.1, momentum=0.9))
    ours.optimizer.step(lambda: 0.0)
    check(ours, saved(ours))
    with pytest.raises(BadCheckpoint, match='another state of parameter 0'):
        check(ours, {**saved(ours), 'state': {0: None}})


def test_looking_for_what_is_kept_changes_no_parameter_and_draws_nothing():
    ours = stepped('AdamW')
    before = saved(ours), copy.deepcopy(ours.optimizer.param_groups)
    random = torch.get_rng_state()
    check(ours, saved(ours))
    assert str((saved(ours), ours.optimizer.param_groups)) == str(before)
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize(
    'ours, theirs',
    [
        (['cat', 'dog'], ['cat', 'dog']),
        (['cat', 'dog'], ['0_cat', '1_dog']),
        ([0, 1], ['0', '1']),
        ([], ['cat', 'dog']),
        (['cat', 'dog'], []),
        (['cat', 'dog'], None),
        (['cat', 'dog'], [1.0, 2.0]),
        (['cat', 'dog'], ['cat', 'dog', 'eel']),  # which no state dict fits
    ],
)
def test_classes_that_are_the_same_or_have_no_names_are_no_others(ours, theirs):
    assert other_classes(ours, {'classes': theirs}) == ''


@pytest.mark.parametrize('theirs', [['dog', 'cat'], ['0_dog', '1_cat'], ['cat', 'eel']])
def test_classes_in_another_order_are_told_with_both(theirs):
    words = other_classes(['cat', 'dog'], {'classes': theirs})
    assert f'the classes {", ".join(theirs)}, in' in words
    assert words.endswith('has cat, dog')


def test_of_many_classes_ten_are_named():
    names = [f'class {number}' for number in range(12)]
    words = other_classes(names, {'classes': names[::-1]})
    assert words.count('class ') == 20 and words.count(' and 2 more') == 2


def of_classes(root, folder, classes: str, *flags, **overrides) -> list[str]:
    """Arguments of a run on cats and dogs, labelled in the order of ``classes``."""
    dataset = 'train_dataloader__dataset__'
    pipeline = "[dict(type='LoadImage'),dict(type='PackImage')]"
    settings = {
        f'{dataset}type': 'ClassFolder',
        f'{dataset}data_root': root,
        f'{dataset}classes': classes,
        f'{dataset}pipeline': pipeline,
        'model__num_classes': 2,
        'train_cfg__max_iters': 1,
    }
    return arguments(folder, *flags, **settings, **overrides)


def test_classes_in_another_order_are_not_resumed_and_told_at_a_start(tmp_path, capsys):
    root = tmp_path / 'data'
    for name in ('cat', 'dog'):
        for number, image in enumerate(pixels(4, side=32)):
            put(root / name / f'{number}.png', image[:32])
    assert run(of_classes(root, tmp_path / 'a', '[cat,dog]')) == 0
    saved = str(tmp_path / 'a' / 'iter_1.pth')
    other = of_classes(root, tmp_path / 'b', '[dog,cat]', '--resume', saved)
    assert run(other) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert f'{saved} was trained on the classes cat, dog, in the order of' in error
    assert 'has dog, cat; to start from its weights alone, set load_from' in error
    assert run(of_classes(root, tmp_path / 'b', '[dog,cat]', load_from=saved)) == 0
    log = ''.join(path.read_text() for path in tmp_path.glob('b/*/*.log'))
    assert f'WARNING - {saved} was trained on the classes cat, dog' in log
