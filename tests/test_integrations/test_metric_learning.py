import importlib
import sys
from copy import deepcopy

import pytest
import torch
from golden_files import relative_error
from metric_worker import gradients
from pytorch_metric_learning import losses, miners, reducers, regularizers
from pytorch_metric_learning.distances import CosineSimilarity, LpDistance
from pytorch_metric_learning.trainers import MetricLossOnly
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN
from ranks import run_ranks
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from reacgan_plugin.functional import d2d_cross_entropy
from reacgan_plugin.integrations.metric_learning import D2DCEMetricLoss

CLASSES, WIDTH, ROWS = 4, 6, 16


@pytest.fixture
def batch():
    return torch.randn(ROWS, WIDTH, requires_grad=True), torch.arange(ROWS) % CLASSES


@pytest.mark.parametrize(
    'options', [{}, dict(margin=0.7, temperature=0.2), dict(formula='studiogan')]
)
def test_the_loss_is_that_of_the_plain_function_on_normalised_rows(batch, options):
    embeddings, labels = batch
    loss = D2DCEMetricLoss(CLASSES, WIDTH, **options)
    expected = d2d_cross_entropy(
        F.normalize(embeddings), F.normalize(loss.proxies)[labels], labels, **options
    )
    assert torch.allclose(loss(embeddings, labels), expected, rtol=1e-6)


def test_blocks_change_nothing_but_memory(batch):
    loss = D2DCEMetricLoss(CLASSES, WIDTH)
    expected = loss(*batch)
    loss.block_size = 5
    assert torch.allclose(loss(*batch), expected)


def test_any_reducer_takes_the_losses_of_rows(batch):
    embeddings, labels = batch
    loss = D2DCEMetricLoss(CLASSES, WIDTH, reducer=reducers.DoNothingReducer())
    rows = loss(embeddings, labels)['loss']['losses']
    assert rows.shape == (ROWS,)
    weight = torch.arange(CLASSES, dtype=torch.float)
    loss.set_reducer(reducers.ClassWeightedReducer(weight))
    assert torch.allclose(loss(embeddings, labels), (rows * weight[labels]).mean())


def test_the_librarys_regularisers_add_their_terms(batch):
    plain = D2DCEMetricLoss(CLASSES, WIDTH)
    loss = D2DCEMetricLoss(
        CLASSES,
        WIDTH,
        weight_regularizer=regularizers.LpRegularizer(),
        weight_reg_weight=0.5,
        embedding_regularizer=regularizers.LpRegularizer(),
    )
    with torch.no_grad():
        plain.proxies.copy_(loss.proxies)
    embeddings, labels = batch
    norms = 0.5 * loss.proxies.norm(dim=1).mean() + embeddings.norm(dim=1).mean()
    assert torch.allclose(loss(embeddings, labels), plain(embeddings, labels) + norms)


def test_proxies_begin_orthogonal_and_move():
    loss = D2DCEMetricLoss(CLASSES, WIDTH)
    assert torch.allclose(loss.proxies @ loss.proxies.T, torch.eye(CLASSES), atol=1e-6)
    before = loss.proxies.detach().clone()
    optimizer = torch.optim.SGD(loss.parameters(), 0.1)
    loss(torch.randn(ROWS, WIDTH), torch.arange(ROWS) % CLASSES).backward()
    optimizer.step()
    assert (loss.proxies - before).abs().amax(1).min() > 0


def test_logits_are_cosines_to_every_proxy(batch):
    loss = D2DCEMetricLoss(CLASSES, WIDTH)
    expected = F.normalize(batch[0]) @ F.normalize(loss.proxies).T
    assert torch.allclose(loss.get_logits(batch[0]), expected, atol=1e-6)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64])
def test_embeddings_of_another_type_give_a_loss_in_the_wider_one(batch, dtype):
    loss = D2DCEMetricLoss(CLASSES, WIDTH)
    embeddings = batch[0].detach().to(dtype).requires_grad_()
    value = loss(embeddings, batch[1])
    value.backward()
    assert value.dtype == torch.promote_types(dtype, torch.float32)
    assert embeddings.grad.dtype == dtype
    expected = loss(embeddings.to(torch.float32), batch[1])
    assert torch.allclose(value.float(), expected, rtol=1e-5)


@pytest.mark.parametrize(
    'arguments, message',
    [
        (lambda e, y: (e, y, miners.PairMarginMiner()(e, y)), 'indices_tuple is not'),
        (lambda e, y: (e, y, None, e.clone(), y), 'ref_emb is not supported'),
        (lambda e, y: (e,), 'labels=None is not supported'),
        (lambda e, y: (e, y + 1), r'class 4; allowed: 0\.\.3'),
        (lambda e, y: (e, y.float()), 'label is torch.float32'),
        (lambda e, y: (e[:, :-1], y), 'proxy has shape'),
    ],
)
def test_what_the_loss_cannot_do_is_refused(batch, arguments, message):
    with pytest.raises(ValueError, match=message):
        D2DCEMetricLoss(CLASSES, WIDTH)(*arguments(*batch))


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(margin=0), 'margin=0 is out of range'),
        (dict(temperature=-1), 'temperature=-1 is out of range'),
        (dict(formula='papre'), "did you mean 'paper'"),
        (dict(distance=LpDistance()), 'leave distance out'),
    ],
)
def test_options_that_are_not_allowed_raise(options, message):
    with pytest.raises(ValueError, match=message):
        D2DCEMetricLoss(CLASSES, WIDTH, **options)


def test_a_misspelt_option_is_not_swallowed():
    with pytest.raises(TypeError, match='temprature'):
        D2DCEMetricLoss(CLASSES, WIDTH, temprature=0.1)


def test_wrappers_that_contrast_with_other_rows_refuse_the_loss():
    loss = D2DCEMetricLoss(CLASSES, WIDTH)
    with pytest.raises(Exception, match='not supported for D2DCEMetricLoss'):
        losses.CrossBatchMemory(loss, WIDTH)
    with pytest.raises(Exception, match='not supported for D2DCEMetricLoss'):
        losses.SelfSupervisedLoss(loss)


def test_it_adds_up_with_other_losses(batch):
    first, second = D2DCEMetricLoss(CLASSES, WIDTH), losses.SupConLoss()
    both = losses.MultipleLosses([first, second], weights=[0.5, 2])
    expected = 0.5 * first(*batch) + 2 * second(*batch)
    assert torch.allclose(both(*batch), expected)


def clusters(rows: int, seed: int):
    """Rows around one centre a class, under as much noise in other directions."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(rows) % CLASSES
    noise = 3 * torch.randn(rows, 10, generator=random)
    signal = F.one_hot(labels, CLASSES) + 0.2 * torch.randn(
        rows, CLASSES, generator=random
    )
    return torch.cat([signal, noise], 1), labels


def precision_at_1(trunk, rows, labels) -> float:
    calculator = AccuracyCalculator(
        include=('precision_at_1',), k=1, knn_func=CustomKNN(CosineSimilarity())
    )
    with torch.no_grad():
        found = calculator.get_accuracy(trunk(rows), labels)
    return found['precision_at_1']


def test_the_librarys_trainer_lowers_the_loss_and_raises_retrieval():
    data, (held_out, labels) = TensorDataset(*clusters(256, 0)), clusters(128, 1)
    trunk, loss = nn.Linear(14, WIDTH), D2DCEMetricLoss(CLASSES, WIDTH)
    before, history = deepcopy(trunk), []
    trainer = MetricLossOnly(
        models={'trunk': trunk},
        optimizers={
            'trunk_optimizer': torch.optim.Adam(trunk.parameters(), 0.02),
            'metric_loss_optimizer': torch.optim.Adam(loss.parameters(), 0.02),
        },
        batch_size=64,
        loss_funcs={'metric_loss': loss},
        dataset=data,
        data_device='cpu',
        dataloader_num_workers=0,
        end_of_iteration_hook=lambda run: history.append(
            run.losses['total_loss'].item()
        ),
    )
    trainer.train(num_epochs=20)
    assert sum(history[-4:]) < 0.8 * sum(history[:4])
    assert precision_at_1(before, held_out, labels) < 0.6
    assert precision_at_1(trunk, held_out, labels) > 0.95


def test_without_the_library_the_import_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pytorch_metric_learning.distances', None)
    monkeypatch.delitem(sys.modules, 'reacgan_plugin.integrations.metric_learning')
    with pytest.raises(
        ModuleNotFoundError,
        match='needs pytorch_metric_learning; .* pip install pytorch-metric-learning$',
    ):
        importlib.import_module('reacgan_plugin.integrations.metric_learning')


@pytest.mark.slow
def test_under_the_librarys_distributed_wrapper_proxies_alone_have_larger_gradients(
    tmp_path,
):
    ranks = run_ranks('metric_worker.py', world=2, folder=tmp_path)
    alone = gradients()
    for found in ranks:
        assert relative_error(found['trunk'], alone['trunk']) < 1e-5
        assert relative_error(found['proxies'], 2 * alone['proxies']) < 1e-5
