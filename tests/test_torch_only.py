"""The plain door: ``import reacgan_plugin`` where nothing but torch is there."""

import subprocess
import sys

import pytest
from tiny_runs import ROOT, environment

BLOCKED = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {
            'mmengine', 'mmcv', 'torchvision', 'timm', 'sklearn', 'matplotlib',
            'kornia', 'torch_fidelity', 'safetensors', 'yaml', 'PIL', 'scipy',
        }:
            raise ModuleNotFoundError(f'{name} is blocked', name=name)

sys.meta_path.insert(0, Block())
"""


def _python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, '-c', BLOCKED + code],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )


def test_the_package_imports_with_torch_alone_and_trains_a_head():
    ended = _python(
        """
import torch
from reacgan_plugin import D2DCELoss, Discriminator, d2d_cross_entropy
from reacgan_plugin.functional import hinge_discriminator

loss = D2DCELoss(embed_dim=8)
backbone = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 6))
discriminator = Discriminator(backbone, loss.build_head(6, num_classes=3))
label = torch.tensor([0, 1, 2, 0])
output = discriminator(torch.randn(4, 3, 2, 2), label)
sum(loss.discriminator(output, output).values()).backward()
assert backbone[1].weight.grad.abs().sum() > 0
assert not {'mmengine', 'mmcv', 'torchvision', 'timm'} & set(sys.modules)
print('trained')
"""
    )
    assert ended.stdout == 'trained\n', ended.stderr


def test_every_public_name_is_there_with_torch_alone():
    ended = _python(
        """
import reacgan_plugin
for name in reacgan_plugin.__all__:
    getattr(reacgan_plugin, name)
print(len(reacgan_plugin.__all__) > 8, reacgan_plugin.__version__ != '')
"""
    )
    assert ended.stdout == 'True True\n', ended.stderr


def test_the_openmmlab_door_needs_mmengine_alone():
    own = {'mmengine', 'yaml', 'matplotlib', 'PIL', 'scipy'}  # and what it needs
    code = BLOCKED
    for name in own:
        code = code.replace(f"'{name}'", "''")
    code += """
from mmengine.registry import MODELS
import reacgan_plugin.integrations.openmmlab
print(type(MODELS.build(dict(type='D2DCE'))).__name__)
"""
    ended = subprocess.run(
        [sys.executable, '-c', code],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert ended.stdout == 'D2DCELoss\n', ended.stderr


@pytest.mark.parametrize(
    'door, missing',
    [
        ('openmmlab', 'mmengine'),
        ('mmagic', 'mmagic'),
        ('metric_learning', 'pytorch_metric_learning'),
    ],
)
def test_a_door_says_in_one_line_what_it_lacks(door, missing):
    ended = _python(
        f"""
sys.modules.update({{'mmagic': None, 'pytorch_metric_learning': None}})
try:
    import reacgan_plugin.integrations.{door}
except ModuleNotFoundError as error:
    print(error)
"""
    )
    assert ended.stdout.count('\n') == 1, ended.stderr
    assert f'needs {missing}' in ended.stdout and 'pip install' in ended.stdout


def test_training_without_the_extra_says_which_one_is_missing():
    ended = _python(
        """
from reacgan_plugin.train import run
sys.exit(run(['biggan_reacgan_digits.py']))
"""
    )
    assert ended.returncode == 2
    assert ended.stderr.count('\n') == 1
    assert "pip install 'reacgan_plugin[train]'" in ended.stderr
