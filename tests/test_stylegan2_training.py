"""StyleGAN2 with its penalties, trained, resumed and sampled from a config."""

import pytest
import torch
from tiny_runs import ROOT

from reacgan_plugin.checkpoint import read_checkpoint
from reacgan_plugin.sample import load_model
from reacgan_plugin.sample import run as sample
from reacgan_plugin.train import run

CONFIG = f"""
_base_ = [{str(ROOT / 'tests' / 'configs' / 'tiny_stylegan2.py')!r}]
train_cfg = dict(max_iters=4)
model = dict(
    techniques=[
        dict(type='R1', weight=0.01, interval=2),
        dict(type='PathLength', interval=2),
    ],
)
default_hooks = dict(checkpoint=dict(interval=2))
"""


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Folder of a run of four iterations."""
    folder = tmp_path_factory.mktemp('stylegan2')
    config = folder / 'tiny.py'
    config.write_text(CONFIG)
    assert run([str(config), '--work-dir', str(folder / 'whole')]) == 0
    return folder


def test_penalties_appear_at_their_intervals_and_the_mean_length_is_kept(trained):
    content = read_checkpoint(trained / 'whole' / 'iter_4.pth')
    lazy = content['history']['train/d/loss_r1']['values']
    assert [value > 0 for value in lazy] == [True, False, True, False]
    assert content['state_dict']['techniques.1.mean'] > 0
    average = content['state_dict']['generator_ema.mapping.w_avg']
    assert average.norm() > 0


def test_resuming_equals_the_run_that_was_never_stopped(trained):
    """R24: with the mean path length and the average of w."""
    half = str(trained / 'whole' / 'iter_2.pth')
    words = [str(trained / 'tiny.py'), '--work-dir', str(trained / 'resumed')]
    assert run([*words, '--resume', half]) == 0
    whole, resumed = (
        read_checkpoint(trained / name / 'iter_4.pth')['state_dict']
        for name in ('whole', 'resumed')
    )
    for name, value in whole.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, resumed[name]), name


def test_a_checkpoint_is_sampled_alike_twice(trained, tmp_path):
    checkpoint = str(trained / 'whole' / 'iter_4.pth')
    model, _ = load_model(checkpoint)
    z, label = torch.randn(4, 8), torch.arange(4)
    assert torch.equal(model(z, label), model(z, label))
    out = tmp_path / 'samples.png'
    assert sample([checkpoint, '--num', '2', '--out', str(out)]) == 0
    assert out.is_file()


@pytest.mark.parametrize('kind', ['AC', 'PD', 'SPD', 'MD', 'TAC', 'ADC', 'Info'])
def test_one_word_changes_the_conditioning(trained, tmp_path, kind):
    words = [str(trained / 'tiny.py'), '--work-dir', str(tmp_path)]
    options = [f'model.loss.type={kind}', 'train_cfg.max_iters=1']
    if kind == 'Info':  # ten categories and two numbers are more than z has here
        options += ['model.loss.categories=3']
    assert run([*words, '--cfg-options', *options]) == 0
    state = read_checkpoint(tmp_path / 'iter_1.pth')['state_dict']
    head = [name for name in state if name.startswith('discriminator.head.')]
    assert head
    assert not [name for name in head if 'parametrizations' in name]
