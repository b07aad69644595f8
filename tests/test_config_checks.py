"""Mistakes of every part of a config, each with the words that tell of it."""

import pytest
from mmengine.hooks import Hook
from mmengine.runner import Priority
from torch.optim import LBFGS, Adam

from reacgan_plugin.config import load_config
from reacgan_plugin.config_checks import check_types, own_variables

PROBE = dict(type='ProbeExtractor', train=dict(type='Digits', pipeline=[]))
EVALUATION = dict(type='EvaluationHook', metrics=[dict(type='FID')], extractor=PROBE)


def config_with(place: str, value):
    """The demo's config with something else at a dotted place."""
    config = load_config('biggan_reacgan_digits.py')[0]
    *above, last = place.split('.')
    holder = config
    for part in above:
        holder = holder[int(part) if part.isdigit() else part]
    holder[int(last) if last.isdigit() else last] = value
    return config


def hook_with(**settings):
    return 'custom_hooks', [{**EVALUATION, **settings}]


def data_with(**settings):
    inner = dict(type='Digits', pipeline=[], **settings)
    return 'train_dataloader.dataset', dict(type='InstanceSelection', dataset=inner)


PLACES = [
    ('model.loss.margin', '0.9', "model.loss.margin='0.9'; allowed: a number"),
    ('model.num_classes', 10.5, 'model.num_classes=10.5; allowed: a whole number'),
    ('model.loss', 'AC', "model.loss='AC'; allowed: a dict"),
    ('model.loss.tpye', 'AC', "model.loss.tpye .*did you mean 'type'"),
    ('model.loss.type', 'D2Dce', "did you mean 'D2DCE'"),
    ('model.loss.type', 7, 'model.loss.type=7; allowed: a registered name'),
    ('model.generator.attention_at', '16', 'allowed: a list of whole numbers'),
    ('model.techniques', ['ADA'], r"model.techniques=\['ADA'\]; allowed: a list"),
    ('model.techniques', [dict(type='R2', wieght=1)], "mean 'weight'"),
    ('model.adversarial_loss', dict(type='Hinge', x=1), 'Hinge; allowed: none'),
    ('default_hooks.checkpoint.interval', '100', "interval='100'; allowed: a whole"),
    ('default_hooks.checkpoint.intervall', 100, "did you mean 'interval'"),
    ('default_hooks', [1], r'default_hooks=\[1\]; allowed: a dict or None'),
    ('default_hooks.logger.priority', 'HIHG', "logger.priority='HIHG'.*mean 'HIGH'"),
    ('default_hooks.logger.priority', 101, 'logger.priority=101 is out of range'),
    ('default_hooks.logger.priority', 0.5, 'logger.priority=0.5 is no whole number'),
    ('default_hooks.gaurd', None, "default_hooks.gaurd .*mean 'guard'"),
    ('default_hooks.checkpiont', dict(type='CheckpointHook'), "mean 'checkpoint'"),
    ('default_hooks.logger', 5, 'default_hooks.logger=5; allowed: dict'),
    ('custom_hooks', {}, 'the config.custom_hooks={}; allowed: a list'),
    ('train_dataloader.dataset.pipeline', None, 'pipeline=None; allowed: a list'),
    ('train_dataloader.dataset.pipeline.1.scal', 3, "did you mean 'scale'"),
    ('train_dataloader.dataset.pipeline.0.channels', 'x', 'pipeline.0..channels='),
    ('train_dataloader.dataset', 10.5, 'dataset=10.5 is no data set'),
    ('train_dataloader.num_workers', -1, 'num_workers=-1 is out of range'),
    ('train_dataloader.shuffle', 'yes', "shuffle='yes' .*allowed: True, False"),
    ('train_dataloader.multiprocessing_context', 'frok', "did you mean 'fork'"),
    ('train_dataloader', None, 'the config has no train_dataloader'),
    ('optim_wrapper.generatr', {}, "did you mean 'generator'"),
    ('optim_wrapper.generator.optimizer.bets', 1, "did you mean 'betas'"),
    ('optim_wrapper.generator.optimizer.lr', 'x', "lr='x'; allowed: a number"),
    ('optim_wrapper.generator.optimizer', dict(type='LBFGS'), "'LBFGS' evaluates"),
    ('optim_wrapper.generator.optimizer', dict(type=LBFGS), "'LBFGS' evaluates"),
    ('optim_wrapper.generator.optimizer', dict(type='SparseAdam'), 'takes sparse'),
    (
        'optim_wrapper.generator.optimizer',
        dict(type='ZeroRedundancyOptimizer', optimizer_type='Adam'),
        'generator.optimizer: .*spreads its state',
    ),
    ('optim_wrapper.generator.clip_grad', dict(max_nom=1), "did you mean 'max_norm'"),
    ('optim_wrapper.generator.paramwise_cfg', dict(x=1), "paramwise_cfg key='x'"),
    ('optim_wrapper.constructor', 'GANOptim', 'GANOptimWrapperConstructor'),
    ('optim_wrapper.constructor', None, 'optim_wrapper.constructor=None'),
    ('param_scheduler.start_fctor', 1, "did you mean 'start_factor'"),
    ('param_scheduler.end', '4', "end='4'; allowed: a whole number"),
    ('train_cfg.max_iter', 4, "did you mean 'max_iters'"),
    ('train_cfg', 5, 'the config.train_cfg=5; allowed: a dict'),
    ('randomness.sed', 4, "did you mean 'seed'"),
    ('randomness.seed', -4, 'randomness.seed=-4 is out of range'),
    ('randomness.deterministic', 'no', "deterministic='no'; allowed: True or False"),
    ('env_cfg.cudnn_benchmrk', True, "did you mean 'cudnn_benchmark'"),
    ('env_cfg.mp_cfg', dict(mp_start='fork'), "did you mean 'mp_start_method'"),
    ('log_processor.windw_size', 1, "did you mean 'window_size'"),
    ('log_processor.by_epoch', True, 'there are no epochs'),
    ('log_processor.custom_cfg.0.method_name', 'men', "did you mean 'mean'"),
    ('visualizer.vis_backends.0.type', 'LocalVis', "did you mean 'LocalVisBackend'"),
    ('totl_batch_size', 4, "did you mean 'total_batch_size'"),
    ('custom_hook', [], "did you mean 'custom_hooks'"),
    ('total_batch_size', '4', "total_batch_size='4'; allowed: a whole number"),
    ('log_level', 'FOO', "log_level='FOO' is not known"),
    ('total_batch_size', 0, 'total_batch_size=0 is out of range'),
    ('resume', 3, 'resume=3; allowed: True, False or a word'),
    (*hook_with(metrics=[dict(type='FDI')]), r"metrics\[0\].*did you mean 'FID'"),
    (*hook_with(metrics=[dict(type='KID', subset=1)]), "did you mean 'subsets'"),
    (*hook_with(extractor=dict(type='Probe')), "did you mean 'ProbeExtractor'"),
    (*hook_with(extractor=dict(PROBE, sed=1)), "extractor.sed .*did you mean 'seed'"),
    (
        *hook_with(extractor=dict(PROBE, train=dict(type='Digit', pipeline=[]))),
        "extractor.train.*did you mean 'Digits'",
    ),
    (*hook_with(reference=dict(type='Digits')), 'reference: Digits needs .* pipeline'),
    (*data_with(splt='test'), "dataset.dataset.splt .*did you mean 'split'"),
    (*data_with(seed='x'), "dataset.dataset.seed='x'; allowed: a whole number"),
]


@pytest.mark.parametrize('place, value, message', PLACES)
def test_a_mistake_is_told_where_it_is(place, value, message):
    with pytest.raises(ValueError, match=message) as caught:
        check_types(config_with(place, value))
    assert '\n' not in str(caught.value)


class Described(Hook):
    def __init__(self, train: dict, metrics: dict, **kept):
        pass


class Slow(Adam):
    pass


@pytest.mark.parametrize(
    'place, value',
    [
        ('custom_hooks', [dict(type=Described, train=dict(lr=1), metrics={}, x=1)]),
        ('optim_wrapper.generator.optimizer', dict(type=Slow, lr=1e-3)),
        ('train_dataloader.dataset.pipeline.1', dict(type='ImageToTensor', keys=['a'])),
        ('default_hooks.logger.priority', 'low'),
        ('default_hooks.logger.priority', 100),
        ('default_hooks.logger.priority', Priority.LOW),
        ('default_hooks.logger.priority', None),
        ('default_hooks.watching', dict(type='LossCurveHook')),
        ('default_hooks.guard', None),
        ('log_level', 'WARNING'),
    ],
)
def test_what_works_passes(place, value):
    check_types(config_with(place, value))


def test_variables_of_ones_own_pass():
    config = config_with('to_64', [dict(type='LoadImage')])
    config.widths, config.my_batch = [1, 2], 3
    check_types(config)
    assert {'to_64', 'widths', 'my_batch'} <= set(own_variables(config))
    assert 'held_out' not in own_variables(config)


@pytest.mark.parametrize('name', ['model', 'train_cfg', 'optim_wrapper'])
def test_what_every_run_needs_is_named(name):
    config = load_config('biggan_reacgan_digits.py')[0]
    config.pop(name)
    with pytest.raises(ValueError, match=f'the config has no {name}'):
        check_types(config)
