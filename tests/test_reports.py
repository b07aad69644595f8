"""Reports of what went wrong elsewhere: each has a test, or a line among the limits."""

import ast
import re
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_runs import ROOT, arguments, same_state
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from reacgan_plugin import runner, sample
from reacgan_plugin.checkpoint import read_checkpoint
from reacgan_plugin.train import configured, parse_arguments, run

PAGE = (ROOT / 'docs' / 'known_limits.md').read_text()
LIMITS, _, REPORTS = PAGE.partition('\n## Reports\n')
NUMBERS = re.compile(r'R\d+(?:, R\d+)*\b')
MOST_LIMITS = 8


def numbers_of(text: str) -> set[str]:
    """The numbers that a docstring, or a line of the page, begins with."""
    found = NUMBERS.match(text)
    return set(found[0].split(', ')) if found else set()


def by_number() -> dict[str, list[str]]:
    """Names of the tests whose docstrings begin with a number, by number."""
    found: dict[str, list[str]] = {}
    for path in sorted(Path(__file__).parent.rglob('test_*.py')):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith('test_'):
                for number in numbers_of(ast.get_docstring(node) or ''):
                    found.setdefault(number, []).append(node.name)
    return found


def test_every_report_has_a_test_or_a_line_among_the_limits():
    reports = re.findall(r'^\| (R\d+) \| (.*) \| (.+) \|$', REPORTS, re.MULTILINE)
    listed = [number for number, _, _ in reports]
    assert listed == sorted(set(listed), key=lambda number: int(number[1:]))
    assert all('https://github.com/' in threads for _, threads, _ in reports)
    limits = re.findall(r'^- \*\*(.*)\*\*: ', LIMITS, re.MULTILINE)
    assert len(limits) <= MOST_LIMITS
    answered = {
        *by_number(),
        *(number for line in limits for number in numbers_of(line)),
    }
    assert set(listed) - answered == set(), 'neither tested nor a limit'
    assert answered - set(listed) == set(), 'no report has these numbers'


def test_curves_of_a_resumed_run_go_on_at_its_iteration(tmp_path):
    """R47: on TensorBoard, the losses of both networks apart."""
    log = dict(default_hooks__logger__interval=1)
    assert run(arguments(tmp_path, train_cfg__max_iters=2, **log)) == 0
    assert run(arguments(tmp_path, '--resume', train_cfg__max_iters=4, **log)) == 0
    for name in ('d/loss', 'g/loss'):
        steps = []
        for path in sorted(tmp_path.glob('*/vis_data')):
            board = EventAccumulator(str(path)).Reload()
            tag = next(tag for tag in board.Tags()['scalars'] if tag.endswith(name))
            steps.append([event.step for event in board.Scalars(tag)])
        assert steps == [[1, 2], [3, 4]]


def test_synchronised_batch_norms_are_plain_ones_without_several_gpus(tmp_path):
    """R44: the same names and numbers, in training and sampling."""
    states = []
    for name, sync in (('plain', False), ('synchronised', True)):
        options = dict(train_cfg__max_iters=1, sync_bn=sync)
        assert run(arguments(tmp_path / name, **options)) == 0
        states.append(read_checkpoint(tmp_path / name / 'iter_1.pth')['state_dict'])
    assert same_state(*states) == []
    checkpoint = str(tmp_path / 'synchronised' / 'iter_1.pth')
    words = ['--class', '3', '--num', '2', '--out', str(tmp_path / 'x.png')]
    assert sample.run([checkpoint, *words]) == 0


def test_batch_norms_of_every_network_are_synchronised_on_several_gpus(
    tmp_path, monkeypatch
):
    """R18: by one setting, under the same names."""
    monkeypatch.setattr(runner, '_on_several_gpus', lambda: True)
    models = []
    for sync in (False, True):
        words = arguments(tmp_path / str(sync), sync_bn=sync)
        config, _ = configured(parse_arguments(words))
        models.append(runner.GANRunner.from_cfg(config).model)
    plain, synchronised = models
    assert plain.state_dict().keys() == synchronised.state_dict().keys()
    for network in (synchronised.generator, synchronised.generator_ema):
        norms = [m for m in network.modules() if isinstance(m, _BatchNorm)]
        assert norms
        assert all(isinstance(norm, nn.SyncBatchNorm) for norm in norms)
