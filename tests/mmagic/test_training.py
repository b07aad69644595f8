"""``tools/train.py`` on stock mmagic configs: trains, saves, resumes, stops."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.runner.checkpoint import load_state_dict
from stock import CLASSES, SIZES, STOCK, built, config

from reacgan_plugin.checkpoint import read_checkpoint
from reacgan_plugin.integrations.stock_runner import SILENT
from reacgan_plugin.train import run

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
IMPORTS = dict(imports=['stock', 'reacgan_plugin.integrations.mmagic'])
ADAM = dict(type='Adam', lr=1e-3, betas=(0.0, 0.999))


def settings(name: str, *, loss: dict | None = None, iterations: int = 4) -> dict:
    """A whole stock config, as mmagic's own training script takes it."""
    more = {} if loss is None else dict(loss=loss)
    wrapper = dict(type='OptimWrapper', optimizer=ADAM)
    return dict(
        default_scope='mmagic',
        custom_imports=IMPORTS,
        model=config(name, **more),
        train_dataloader=dict(
            batch_size=4,
            num_workers=0,
            dataset=dict(type='RandomImages', size=SIZES.get(name, 32)),
            sampler=dict(type='InfiniteSampler', shuffle=True),
        ),
        train_cfg=dict(by_epoch=False, max_iters=iterations),
        optim_wrapper=dict(
            constructor='MultiOptimWrapperConstructor',
            generator=wrapper,
            discriminator=wrapper,
        ),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False),
            logger=dict(type='LoggerHook', interval=1),
        ),
        log_processor=dict(type='LogProcessor', by_epoch=False),
        randomness=dict(seed=0),
    )


def written(folder, name: str, **options) -> str:
    path = folder / 'their_config.py'
    entries = settings(name, **options)
    path.write_text(''.join(f'{key} = {entry!r}\n' for key, entry in entries.items()))
    return str(path)


@pytest.mark.parametrize('name', STOCK)
def test_a_stock_config_with_a_loss_trains_and_resumes(tmp_path, name):
    """R46: of the pinned release of mmagic."""
    path = written(tmp_path, name, loss=dict(type='D2DCE', embed_dim=8))
    work = tmp_path / 'work'
    assert run([path, '--work-dir', str(work)]) == 0
    saved = read_checkpoint(work / 'iter_2.pth')
    assert saved['meta']['iter'] == 2
    assert any('.head.' in key for key in saved['state_dict'])
    assert json.loads(saved['meta']['config'])['model']['loss']['type'] == 'D2DCE'
    last = read_checkpoint(work / 'iter_4.pth')
    (work / 'iter_4.pth').unlink()
    assert run([path, '--work-dir', str(work), '--resume']) == 0
    again = read_checkpoint(work / 'iter_4.pth')
    assert again['meta']['iter'] == 4
    assert again['state_dict'].keys() == last['state_dict'].keys()
    moments = again['optimizer']['discriminator']['state'][0]
    assert moments['step'] == 4  # not begun anew


def test_a_stock_config_trains_without_a_loss(tmp_path):
    """R46: of the pinned release of mmagic."""
    path = written(tmp_path, 'BigGAN', iterations=2)
    assert run([path, '--work-dir', str(tmp_path / 'work')]) == 0
    state = read_checkpoint(tmp_path / 'work' / 'iter_2.pth')['state_dict']
    assert any('proj_y' in key for key in state)


def test_the_first_iteration_is_that_of_mmengines_own_runner(tmp_path):
    theirs = torch.load(trained_by_mmengine(tmp_path, 'BigGAN'), weights_only=False)
    path = written(tmp_path, 'BigGAN', iterations=2)
    assert run([path, '--work-dir', str(tmp_path / 'ours')]) == 0
    ours = read_checkpoint(tmp_path / 'ours' / 'iter_2.pth')['state_dict']
    for key, value in theirs['state_dict'].items():
        assert torch.equal(value, ours[key]), key


NEW_STYLE = """
from mmagic.models import DataPreprocessor, ExponentialMovingAverage
from mmagic.models.editors.biggan import BigGAN, BigGANDiscriminator, BigGANGenerator

from reacgan_plugin.conditioning import D2DCELoss

model.update(type=BigGAN, loss=dict(type=D2DCELoss, embed_dim=8))
model['generator'].update(type=BigGANGenerator)
model['discriminator'].update(type=BigGANDiscriminator)
model['data_preprocessor'].update(type=DataPreprocessor)
model['ema_config'].update(type=ExponentialMovingAverage)
"""


def test_a_config_whose_types_are_classes_trains_and_resumes(tmp_path):
    path = written(tmp_path, 'BigGAN')
    with open(path, 'a') as file:
        file.write(NEW_STYLE)
    work = tmp_path / 'work'
    assert run([path, '--work-dir', str(work)]) == 0
    (work / 'iter_4.pth').unlink()
    assert run([path, '--work-dir', str(work), '--resume']) == 0
    state = read_checkpoint(work / 'iter_4.pth')['state_dict']
    assert any('.head.' in key for key in state)


# what a user of mmagic who installed this package alone may not have
NOT_THERE = ('timm', 'sklearn', 'kornia', 'torch_fidelity', 'tensorboard')
PROGRAM = f"""
import sys

import mmagic.models  # which looks for some of them itself

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {NOT_THERE}:
            raise ModuleNotFoundError(f'{{name}} is blocked', name=name)

sys.meta_path.insert(0, Block())
from reacgan_plugin.train import main
main()
"""


@pytest.mark.parametrize('world', [1, 2])
def test_processes_that_a_launcher_starts_train_without_our_extras(tmp_path, world):
    path = written(tmp_path, 'SAGAN', loss=dict(type='D2DCE', embed_dim=8))
    wrapper = 'model_wrapper_cfg = dict(type="MMSeparateDistributedDataParallel")\n'
    with open(path, 'a') as file:
        file.write(wrapper)
    (tmp_path / 'program.py').write_text(PROGRAM)
    launched = ['-m', 'torch.distributed.run', '--nproc_per_node', str(world)]
    launched += [str(tmp_path / 'program.py'), path, '--launcher', 'pytorch']
    ended = subprocess.run(
        [sys.executable, *launched, '--work-dir', str(tmp_path / 'work')],
        cwd=tmp_path,
        env={
            **os.environ,
            'OMP_NUM_THREADS': '1',
            'PYTHONPATH': os.pathsep.join([str(ROOT), str(HERE)]),
        },
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert f'{world} process(es)' in ended.stderr + ended.stdout
    assert read_checkpoint(tmp_path / 'work' / 'iter_4.pth')['meta']['iter'] == 4


def trained_by_mmengine(folder, name: str) -> Path:
    """A checkpoint of mmengine's own runner."""
    theirs = Config.fromfile(written(folder, name, iterations=2))
    theirs.work_dir, theirs.launcher = str(folder / 'theirs'), 'none'
    Runner.from_cfg(theirs).train()
    return folder / 'theirs' / 'iter_2.pth'


def test_weights_of_a_stock_run_start_one_with_a_loss(tmp_path, capsys):
    pickled = trained_by_mmengine(tmp_path, 'BigGAN')
    path = written(tmp_path, 'BigGAN', loss=dict(type='D2DCE', embed_dim=8))
    words = [path, '--work-dir', str(tmp_path / 'work'), '--cfg-options']
    assert run([*words, f'load_from={pickled}']) == 2
    assert 'keep its weights alone: torch.save(' in capsys.readouterr().err
    weights = tmp_path / 'weights.pth'
    state = torch.load(pickled, weights_only=False)['state_dict']
    torch.save(dict(state_dict=state), weights)
    assert run([*words, f'load_from={weights}', 'train_cfg.max_iters=0']) == 0
    error = capsys.readouterr()
    text = error.out + error.err
    assert 'fits in part; missing: discriminator.head.' in text
    assert 'unexpected: discriminator.proj_y' in text


def test_a_stock_run_on_other_classes_starts_from_the_weights_that_fit(
    tmp_path, capsys
):
    path = written(tmp_path, 'BigGAN', loss=dict(type='AC'), iterations=2)
    assert run([path, '--work-dir', str(tmp_path / 'first')]) == 0
    weights = tmp_path / 'first' / 'iter_2.pth'
    options = [
        f'{key}.num_classes={CLASSES + 2}'
        for key in ('model', 'model.generator', 'model.discriminator')
    ]
    words = [path, '--work-dir', str(tmp_path / 'second'), '--cfg-options', *options]
    capsys.readouterr()
    assert run([*words, f'load_from={weights}']) == 0
    error = capsys.readouterr()
    assert (error.out + error.err).count('fits in part; of another shape: ') == 1
    assert run([*words, '--resume', str(weights)]) == 2


def test_the_mapping_of_an_unconditional_stylegan2_is_learned_anew(tmp_path, capsys):
    stock, ours = built('StyleGAN2'), built('StyleGAN2', loss=dict(type='AC'))
    mapping = ours.generator.style_mapping.state_dict()
    before = {name: value.clone() for name, value in mapping.items()}
    load_state_dict(ours, stock.state_dict(), strict=False, logger=SILENT)
    after = ours.generator.style_mapping.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    trunk = 'convs.0.conv.weight_orig'
    assert torch.equal(
        ours.generator.state_dict()[trunk], stock.generator.state_dict()[trunk]
    )


def test_the_best_score_and_the_kept_checkpoints_survive_a_resume(tmp_path):
    path = written(tmp_path, 'BigGAN', loss=dict(type='AC'))
    work = ['--work-dir', str(tmp_path / 'work')]
    keep = ['--cfg-options', 'default_hooks.checkpoint.max_keep_ckpts=2']
    assert run([path, *work, *keep]) == 0
    saved = read_checkpoint(tmp_path / 'work' / 'iter_4.pth')
    assert saved['bookkeeping']['keep_ckpt_ids'] == [2, 4]
    assert run([path, *work, '--resume', *keep, 'train_cfg.max_iters=6']) == 0
    left = sorted(p.name for p in (tmp_path / 'work').glob('iter_*.pth'))
    assert left == ['iter_4.pth', 'iter_6.pth']


def test_a_rate_that_is_scaled_with_the_batch_is_scaled_once(tmp_path):
    path = written(tmp_path, 'BigGAN', loss=dict(type='AC'), iterations=2)
    with open(path, 'a') as file:
        file.write('auto_scale_lr = dict(enable=True, base_batch_size=8)\n')
        file.write("param_scheduler = dict(type='ConstantLR', factor=1.0)\n")
    work = ['--work-dir', str(tmp_path / 'work')]
    options = ['--cfg-options', 'param_scheduler.by_epoch=False']
    for more in ([], ['--resume', *options, 'train_cfg.max_iters=4']):
        assert run([path, *work, *(more or options)]) == 0
    state = read_checkpoint(tmp_path / 'work' / 'iter_4.pth')['optimizer']
    assert state['generator']['param_groups'][0]['lr'] == pytest.approx(5e-4)


def test_a_checkpoint_of_another_model_is_not_resumed(tmp_path, capsys):
    path = written(tmp_path, 'BigGAN', iterations=2)
    assert run([path, '--work-dir', str(tmp_path / 'stock')]) == 0
    weights = str(tmp_path / 'stock' / 'iter_2.pth')
    path = written(tmp_path, 'BigGAN', loss=dict(type='D2DCE', embed_dim=8))
    work = ['--work-dir', str(tmp_path / 'work')]
    assert run([path, *work, '--resume', weights]) == 2
    assert 'missing: discriminator.head.' in capsys.readouterr().err


def test_a_run_that_is_stopped_saves_first(tmp_path, monkeypatch):
    path = written(tmp_path, 'BigGAN', loss=dict(type='AC'), iterations=50)
    from reacgan_plugin.integrations.mmagic.models import ConditionedBigGAN

    original = ConditionedBigGAN.train_generator

    def interrupted(self, *args, **kwargs):
        signal.raise_signal(signal.SIGINT)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(ConditionedBigGAN, 'train_generator', interrupted)
    assert run([path, '--work-dir', str(tmp_path / 'work')]) == 130
    assert read_checkpoint(tmp_path / 'work' / 'iter_1.pth')['meta']['iter'] == 1


@pytest.mark.parametrize(
    'options, message',
    [
        (['--amp', 'bf16'], "type='AmpOptimWrapper'"),
        (['--cfg-options', 'train_cfg.by_epoch=True'], 'by_epoch=False'),
        (['--cfg-options', 'strategy.type=FSDPStrategy'], 'the key strategy'),
        (['--cfg-options', 'model.loss.type=D2DC'], "did you mean 'D2DCE'"),
        (['--cfg-options', 'model.generator.base_chanels=1'], 'base_chanels'),
        (['--cfg-options', 'model.type=BigGn'], 'BigGn'),
        (['--cfg-options', 'model.num_classes=5'], 'num_classes'),
        (['--cfg-options', 'load_from=https://x.org/a.pth'], 'download it'),
    ],
)
def test_mistakes_end_in_one_line(tmp_path, capsys, options, message):
    path = written(tmp_path, 'BigGAN', loss=dict(type='D2DCE', embed_dim=8))
    assert run([path, '--work-dir', str(tmp_path / 'work'), *options]) == 2
    *before, last = capsys.readouterr().err.splitlines()
    assert last.startswith('error: ') and message in last
    assert not any(line.startswith('error: ') for line in before)


@pytest.mark.skipif(
    not torch.cuda.is_available(), reason='AmpOptimWrapper asks for a GPU'
)
@pytest.mark.parametrize('name', ['BigGAN', 'SAGAN'])
@pytest.mark.parametrize('dtype', ['bfloat16', 'float16'])
def test_mixed_precision_trains_on_a_gpu(tmp_path, name, dtype):
    path = written(tmp_path, name, loss=dict(type='D2DCE', embed_dim=8))
    options = [
        f'optim_wrapper.{network}.{key}={value}'
        for network in ('generator', 'discriminator')
        for key, value in [('type', 'AmpOptimWrapper'), ('dtype', dtype)]
    ]
    work = ['--work-dir', str(tmp_path / 'work')]
    assert run([path, *work, '--cfg-options', *options]) == 0
    state = read_checkpoint(tmp_path / 'work' / 'iter_4.pth')['state_dict']
    assert all(value.isfinite().all() for value in state.values())
