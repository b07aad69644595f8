"""Without the key ``loss``, stock models are what they were."""

import os
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from mmagic.models.editors.biggan import BigGAN
from stock import STOCK, built, config, data, made, trained

import reacgan_plugin.integrations.mmagic  # noqa: F401
from reacgan_plugin.integrations.mmagic import switch

HERE = Path(__file__).parent


@pytest.fixture(scope='module')
def runs(tmp_path_factory) -> dict:
    """What a process with the plugin and one without it trained."""
    found = {}
    for plugin in ('with', 'without'):
        path = tmp_path_factory.mktemp('runs') / f'{plugin}.pt'
        subprocess.run(
            [sys.executable, 'untouched_worker.py', plugin, str(path)],
            cwd=HERE,
            env={**os.environ, 'OMP_NUM_THREADS': '1'},
            check=True,
            capture_output=True,
        )
        found[plugin] = torch.load(path)
    return found


@pytest.mark.parametrize('name', STOCK)
def test_three_iterations_are_those_of_a_process_without_the_plugin(runs, name):
    stock, ours = runs['without'][name], runs['with'][name]
    assert stock['logs'] == ours['logs']
    assert stock['state'].keys() == ours['state'].keys()
    for key, value in stock['state'].items():
        assert torch.equal(value, ours['state'][key]), key


def test_a_stock_model_has_its_own_class_and_a_copy_of_it_too():
    model = built('BigGAN')
    assert type(model) is BigGAN
    assert type(deepcopy(model)) is BigGAN
    assert hasattr(model.discriminator, 'proj_y')


@pytest.fixture
def told(monkeypatch):
    """Warnings, as if none had been given before."""
    switch._warn_once.cache_clear()
    messages = []
    monkeypatch.setattr(switch, 'print_log', lambda text, **how: messages.append(text))
    return messages


def test_one_warning_names_the_bug_of_stock_labels(told):
    built('BigGAN'), built('BigGAN')
    (message,) = told
    assert '(N, 1)' in message and 'without model.loss BigGAN keeps that' in message


def test_one_warning_says_that_a_loss_mends_it(told):
    for _ in range(2):
        built('SAGAN', loss=dict(type='PD'))
    (message,) = told
    assert '(N, 1)' in message and 'with model.loss they are (N,)' in message


def test_stylegan2_which_has_no_labels_is_not_warned_of(told):
    built('StyleGAN2')
    assert told == []


def test_real_logits_have_one_number_an_image_with_a_loss_and_not_without():
    shapes = {}
    for key, loss in [('stock', {}), ('PD', dict(loss=dict(type='PD')))]:
        model, seen = built('BigGAN', **loss), []
        model.discriminator.register_forward_hook(
            lambda module, inputs, output, seen=seen: seen.append(
                tuple(getattr(output, 'logits', output).shape)
            )
        )
        trained(model, 'BigGAN', iterations=1)
        shapes[key] = seen[:2]  # fakes, reals
    rows = len(data('BigGAN')['data_samples'])
    assert shapes['PD'] == [(rows,), (rows,)]
    assert shapes['stock'][0] == (rows, 1)
    assert shapes['stock'][1] != (rows, 1)  # the bug that the warning names


def test_the_config_of_the_user_is_left_as_it_is():
    entries = config('StyleGAN2', loss=dict(type='D2DCE', embed_dim=8))
    before = deepcopy(entries)
    made(entries)
    assert entries == before
