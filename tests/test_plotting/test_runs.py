import json

import pytest
from written_runs import write_rows, write_run

from reacgan_plugin.plotting import Run, read_runs


def test_scalars_are_series_by_iteration_without_nulls(tmp_path):
    rows = [
        {'iteration': 20, 'a': 2.0},
        {'iteration': 10, 'a': 1.0, 'b': None},
        {'iteration': 10, 'b': 5},
        {'iteration': 20, 'a': 3.0},  # the later line counts
    ]
    write_rows(tmp_path, rows)
    run = Run(tmp_path)
    assert set(run.series) == {'a', 'b'}
    assert [column.tolist() for column in run.series['a']] == [[10, 20], [1.0, 3.0]]
    assert [column.tolist() for column in run.series['b']] == [[10], [5]]
    assert run.last == 20


def test_of_a_run_without_the_file_the_scalars_of_mmengine_are_read(tmp_path):
    for stamp, steps in (('20261125_1', (10, 20, 30)), ('20261125_2', (20, 30, 40))):
        folder = tmp_path / stamp / 'vis_data'
        folder.mkdir(parents=True)
        lines = [json.dumps({'x': int(stamp[-1]), 'iter': s, 'step': s}) for s in steps]
        (folder / 'scalars.json').write_text('\n'.join(lines) + '\n{"x": 1, "st')
    iteration, value = Run(tmp_path).series['x']
    assert iteration.tolist() == [10, 20, 30, 40]
    assert value.tolist() == [1, 2, 2, 2]  # of the resumed one from where it began
    assert set(Run(tmp_path).series) == {'x'}


@pytest.mark.parametrize('content', ['{"values": {}}', '[1]', '[{}]', '[]', '{', ''])
def test_a_file_that_no_run_wrote_counts_as_no_evaluation(tmp_path, content):
    write_rows(tmp_path, [{'iteration': 1, 'a': 1.0}])
    (tmp_path / 'metrics.json').write_text(content)
    assert Run(tmp_path).evaluation == {}


def test_everything_that_a_run_left_is_found(tmp_path):
    run = Run(write_run(tmp_path / 'mine'))
    assert (run.name, run.last) == ('mine', 40)
    assert [iteration for iteration, _ in run.grids] == [10, 40]
    assert run.config['model']['loss']['type'] == 'D2DCE'
    assert run.meta['seed'] == 3
    assert len(run.environment) == 1
    assert 'torch 2.14, cpu' in run.environment[0]
    assert run.results.startswith('samples   work_dirs')
    assert run.results.endswith('& real')


def test_what_is_not_there_is_empty(tmp_path):
    write_rows(tmp_path, [{'iteration': 1, 'x': 1}])
    run = Run(tmp_path)
    assert (run.grids, run.checkpoint, run.config, run.meta) == ([], None, {}, {})
    assert (run.environment, run.results, run.evaluation) == ([], '', {})


def test_the_last_evaluation_comes_with_what_it_depends_on(tmp_path):
    write_rows(tmp_path, [{'iteration': 1, 'x': 1}])
    records = [{'iteration': i, 'setting': {'weights': 'EMA'}} for i in (1, 2)]
    (tmp_path / 'metrics.json').write_text(json.dumps(records))
    assert Run(tmp_path).evaluation == records[1]
    (tmp_path / 'metrics.json').write_text('[{')
    assert Run(tmp_path).evaluation == {}


def test_runs_of_one_name_are_told_apart_by_where_they_are(tmp_path):
    folders = [write_run(tmp_path / place / 'run') for place in ('a', 'b')]
    names = [run.name for run in read_runs(folders)]
    assert names == ['a-run', 'b-run']
    assert [run.name for run in read_runs(folders[:1])] == ['run']


def test_a_folder_that_is_none_of_a_run_is_named(tmp_path):
    with pytest.raises(ValueError, match='nowhere is no folder'):
        Run(tmp_path / 'nowhere')
    with pytest.raises(ValueError, match='has no metrics.jsonl, samples or checkpoint'):
        Run(tmp_path)
    run = write_run(tmp_path / 'run')
    with pytest.raises(ValueError, match='given more than once'):
        read_runs([run, tmp_path / 'run' / '..' / 'run'])
