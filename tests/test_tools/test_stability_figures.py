"""Figures and tables of made-up runs."""

import pytest
import stability_figures as figures
from PIL import Image

REAL = dict(accuracy=0.99, spread=1.0, frechet=0.1)


def result(name, seed, *, iterations=40, scale=1.0):
    """What a run finds, made up."""
    rows = [
        {
            'iteration': i,
            'feature_norm': scale * (i + 1),
            'class_gradient_norm': scale / (i + 1),
        }
        for i in range(0, iterations, 10)
    ]
    numbers = [(0.2, 9.0), (0.4 * scale, 3.0 * scale)]
    evaluations = [
        {'seconds': s, 'accuracy': a, 'spread': 0.5, 'frechet': f}
        for s, (a, f) in enumerate(numbers, start=1)
    ]
    return dict(
        name=name,
        seed=seed,
        iterations=iterations,
        real=REAL,
        diagnostics=rows,
        evaluations=evaluations,
    )


def test_lines_are_means_and_bands_ranges_over_seeds(tmp_path, monkeypatch):
    figure = figures.Figure((12, 8))
    monkeypatch.setattr(figures, 'Figure', lambda *args, **options: figure)
    runs = figures.by_name(
        [result('AC', 1, scale=3.0, iterations=30), result('AC', 0), result('PD', 0)]
    )
    figures.draw_runs(runs, tmp_path / 'x.png', title='x')
    features, _, accuracy, _ = figure.axes
    ac, pd = features.lines
    assert ac.get_xdata().tolist() == [0, 10, 20]  # as far as both seeds went
    assert ac.get_ydata().tolist() == [2, 22, 42]
    assert pd.get_xdata().tolist() == [0, 10, 20, 30]
    band = features.collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == (1, 63)
    assert features.get_yscale() == 'log'
    assert accuracy.lines[0].get_ydata().tolist() == pytest.approx([0.2, 0.8])
    assert Image.open(tmp_path / 'x.png').size[0] > 1000


def test_a_grid_has_a_cell_for_every_pair_and_gaps_for_what_is_not_run(
    tmp_path, monkeypatch
):
    figure = figures.Figure((11, 4.5))
    monkeypatch.setattr(figures, 'Figure', lambda *args, **options: figure)
    found = [
        result(figures.cell_name(0.9, 0.5), 0),
        result(figures.cell_name(0.5, 0.25), 0, scale=2.0),
    ]
    figures.draw_grid(
        figures.by_name(found),
        tmp_path / 'x.png',
        margins=(0.5, 0.9),
        temperatures=(0.25, 0.5),
        title='x',
    )
    accuracy, frechet = figure.axes[:2]
    said = [[text.get_text() for text in axes.texts] for axes in (accuracy, frechet)]
    assert said == [['0.800', 'nan', 'nan', '0.400'], ['6.000', 'nan', 'nan', '3.000']]
    assert Image.open(tmp_path / 'x.png').size[0] > 1000


def test_the_table_has_means_and_ranges_and_the_real_digits():
    found = [result('AC', 0), result('AC', 1, scale=2.0), result('PD', 0)]
    head, rule, ac, pd, real = figures.table(figures.by_name(found)).splitlines()
    assert head.count('|') == rule.count('|') == real.count('|')
    assert '| 0.600 (0.400 to 0.800) |' in ac
    assert pd.startswith('| PD | 1 | 40 | 0.400 | 0.500 | 3.000 | 31 | 1 | 0.0323 |')
    assert real.startswith('| real digits | | | 0.990 | 1.000 | 0.100 |')


def test_numbers_that_are_not_finite_are_said_so():
    broken = result('AC', 0)
    for row in broken['diagnostics']:
        row['feature_norm'] = row['class_gradient_norm'] = None
    assert '| not finite | not finite | not finite |' in figures.table({'AC': [broken]})


def test_methods_without_a_class_term_show_the_whole_gradient():
    assert figures.class_gradient({'class_gradient_norm_whole': 2.0}) == 2
    both = {'class_gradient_norm': 1.0, 'class_gradient_norm_whole': 2.0}
    assert figures.class_gradient(both) == 1
