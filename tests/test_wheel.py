"""The wheel carries configs and tools, and works where the checkout is not."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from tiny_runs import ROOT, TINY, environment


def _run(*command, **options) -> subprocess.CompletedProcess:
    ended = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, **options
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


@pytest.fixture(scope='module')
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('wheel')
    _run(sys.executable, '-m', 'build', '--wheel', '--no-isolation', '-o', folder, ROOT)
    return next(folder.glob('*.whl'))


def test_the_wheel_has_configs_tools_and_types_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        'reacgan_plugin/py.typed',
        'reacgan_plugin/.mim/configs/biggan_reacgan_digits.py',
        'reacgan_plugin/.mim/configs/_base_/runtime.py',
        'reacgan_plugin/.mim/tools/train.py',
        'reacgan_plugin/.mim/tools/dist_train.sh',
    ):
        assert name in names
    assert not any('tests/' in name for name in names)


@pytest.mark.slow
def test_the_demo_trains_from_an_installed_wheel(wheel, tmp_path):
    """R46: where the checkout is not."""
    _run(sys.executable, '-m', 'venv', '--without-pip', tmp_path / 'fresh')
    python = tmp_path / 'fresh' / 'bin' / 'python'
    site = 'import sysconfig; print(sysconfig.get_path("purelib"))'
    packages = Path(_run(python, '-c', site).stdout.strip())
    install = [
        sys.executable,
        '-m',
        'pip',
        'install',
        '--no-deps',
        '--target',
        packages,
    ]
    _run(*install, wheel)
    # its dependencies are those of this environment, the checkout is not
    dependencies = sysconfig.get_path('purelib')
    (packages / 'dependencies.pth').write_text(dependencies)
    clean = {k: v for k, v in environment().items() if k != 'PYTHONPATH'}
    mine = tmp_path / 'mine.py'
    mine.write_text("_base_ = 'reacgan_plugin::biggan_reacgan_digits.py'")
    options = [f'{key}={value}' for key, value in TINY.items()]
    for config in ('biggan_reacgan_digits.py', str(mine)):
        command = [python, '-m', 'reacgan_plugin.train', config]
        words = ['--cfg-options', *options, 'custom_hooks=[]']
        _run(*command, *words, cwd=tmp_path, env=clean)
    trained = {path.name for path in (tmp_path / 'work_dirs').iterdir()}
    assert trained == {'biggan_reacgan_digits', 'mine'}
    where = _run(
        python, '-c', 'import reacgan_plugin as r; print(r.__file__)', cwd=tmp_path
    )
    assert where.stdout.startswith(str(packages))
