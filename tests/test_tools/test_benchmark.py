import re
from pathlib import Path

import benchmark
import pytest

HEADER = ['what', 'ours', 'against', 'ratio', 'goal', 'verdict']
PAGE = Path(__file__).parents[2] / 'docs' / 'performance.md'
PNG = b'\x89PNG'


@pytest.mark.parametrize(
    'command, rows',
    [('loss', 5), ('memory', 4), ('step', 6), ('accumulation', 10), ('distributed', 3)],
)
def test_a_command_writes_its_table_and_picture(run, capsys, command, rows):
    if command == 'loss':
        pytest.importorskip('pytorch_metric_learning')
    (header, *cells), text, picture = run(command)
    assert text in capsys.readouterr().out
    assert header == HEADER
    assert len(cells) == rows
    for _, _, _, ratio, goal, verdict in cells:
        if verdict.startswith('not measured: '):
            assert ratio == ''
        else:
            assert float(ratio) >= 0
            assert verdict in (('met', 'missed') if goal else ('no goal',))
    assert 'Scale small. torch ' in text
    assert 'load ' in text
    assert picture.startswith(PNG)


def test_the_table_of_conditionings_has_a_row_for_each_and_the_real_digits(run):
    cells, text, picture = run('conditionings', '--methods', 'PD')
    names = [row[0] for row in cells]
    assert names == ['conditioning', 'PD', 'real digits']
    iterations, accuracy, spread, frechet = map(float, cells[1][1:])
    assert iterations >= 1
    assert 0 <= accuracy <= 1
    assert min(spread, frechet) > 0
    assert '0.5 processor seconds' in text
    assert picture.startswith(PNG)


def test_the_table_of_techniques_has_a_row_for_each(run):
    names = ['R1', 'PathLength']
    (header, *cells), text, picture = run('techniques', '--names', *names)
    assert header == HEADER
    assert [row[0].split(',')[0] for row in cells] == names
    assert 'every 4 iterations' in cells[1][0]
    assert all(row[-1] == 'no goal' for row in cells)
    assert 'Medians of ' in text
    assert picture.startswith(PNG)


@pytest.mark.parametrize(
    'words, message',
    [
        ([], 'required: WHAT'),
        (['lost'], "choose from '?loss"),
        (['loss', '--repeats', '0'], "--repeats: '0' is not allowed; allowed: 1 or"),
        (['loss', '--threads', '-1'], "--threads: '-1' is not allowed"),
        (['loss', '--scale', 'large'], "--scale: invalid choice: 'large'.*small"),
        (['loss', '--png', 'bars.jpg'], "'bars.jpg' does not end in .png"),
        (['loss', '--out', 'no/such.md'], "folder of 'no/such.md' does not exist"),
        (['loss', '--png', 'no/such.png'], "folder of 'no/such.png' does not exist"),
        (['loss', '--seconds', '3'], 'unrecognized arguments: --seconds'),
        (['memory', '--device', 'gpu'], "'gpu' is not allowed; allowed: cpu, cuda"),
        (['techniques', '--device', 'cpu'], 'unrecognized arguments: --device'),
        (['conditionings', '--seconds', '0'], "--seconds: '0' is not allowed"),
        (['conditionings', '--seconds', 'x'], "--seconds: 'x' is not allowed"),
        (['techniques', '--names', 'R3'], "invalid choice: 'R3'.*'R2'"),
        (['conditionings', '--methods', 'XY'], "invalid choice: 'XY'.*'D2DCE'"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_measured(capsys, words, message):
    with pytest.raises(SystemExit) as stop:
        benchmark.main(words)
    assert stop.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_a_gpu_that_is_not_there_is_told(monkeypatch, capsys):
    monkeypatch.setattr(benchmark.torch.cuda, 'is_available', lambda: False)
    with pytest.raises(SystemExit):
        benchmark.main(['memory', '--device', 'cuda'])
    assert 'no GPU is found; allowed: cpu' in capsys.readouterr().err


@pytest.mark.parametrize('command', benchmark.ON_A_GPU_TOO)
@pytest.mark.skipif(not benchmark.torch.cuda.is_available(), reason='no GPU')
def test_a_command_measures_on_a_gpu(run, command):
    if command == 'loss':
        pytest.importorskip('pytorch_metric_learning')
    (_, *cells), text, _ = run(command, '--device', 'cuda')
    assert cells
    assert f'{benchmark.torch.cuda.get_device_name()}, ' in text


def test_a_picture_without_matplotlib_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(benchmark, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit):
        benchmark.main(['memory', '--png', 'bars.png'])
    assert 'matplotlib is missing' in capsys.readouterr().err


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    def without(name):
        raise ModuleNotFoundError(name='mmengine')

    monkeypatch.setattr(benchmark.importlib, 'import_module', without)
    with pytest.raises(SystemExit, match=r'step needs mmengine: .*\[train\]'):
        benchmark.main(['step'])


def test_every_command_is_listed_without_importing_any(capsys, monkeypatch):
    monkeypatch.setattr(benchmark, '_module_of', pytest.fail)
    with pytest.raises(SystemExit):
        benchmark.main(['--help'])
    listed = capsys.readouterr().out
    assert all(name in listed for name in benchmark.COMMANDS)


def test_the_page_explains_every_command_and_its_code_runs():
    text = PAGE.read_text()
    for name in benchmark.COMMANDS:
        assert f'\npython tools/benchmark.py {name} ' in text
        assert f'\n## `{name}`\n' in text
    words = re.findall(r'^python tools/benchmark.py (.*)$', text, flags=re.MULTILINE)
    for line in words:
        assert benchmark.parser(line.split()).parse_args(line.split()).threads == 2
    for code in re.findall(r'```python\n(.*?)```', text, flags=re.DOTALL):
        exec(code, {})
