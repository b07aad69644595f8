import pytest
from written_runs import write_rows, write_run

from reacgan_plugin.plotting import Run, curve_page, curve_panels
from reacgan_plugin.plotting.curves import panel_figure


@pytest.fixture
def runs(tmp_path):
    return [Run(write_run(tmp_path / name)) for name in ('first', 'second')]


def titles(figure):
    return [axes.get_title() for axes in figure.axes]


def test_scalars_that_belong_together_share_a_panel(runs):
    panels = {panel.title: panel.names for panel in curve_panels(runs)}
    assert panels == {
        'loss of the discriminator': ['d/loss', 'd/loss_conditioning'],
        'loss of the generator': ['g/loss'],
        'FID': ['val/FID'],
        'norm of the features F(x)': ['diagnostics/feature_norm'],
        'learning rate': ['generator.lr'],
    }


def test_every_scalar_but_those_of_the_machine_is_drawn_once(tmp_path):
    names = ('d/loss', 'd/ada_strength', 'val/precision', 'val/recall', 'val/KID_std')
    write_rows(tmp_path, [{'iteration': 1, 'time': 1, **dict.fromkeys(names, 1.0)}])
    drawn = [name for panel in curve_panels([Run(tmp_path)]) for name in panel.names]
    assert sorted(drawn) == sorted(names[:-1])


def test_all_runs_are_on_one_page_in_their_own_colours(runs, tmp_path):
    write_rows(runs[1].folder, [{'iteration': 5, 'd/loss': 2.0}])
    page = curve_page([runs[0], Run(runs[1].folder)])
    assert len(page.axes) == len(titles(page)) == 5
    first, _, second = page.axes[0].lines  # the second has no term of its own
    assert (second.get_xdata().tolist(), second.get_ydata().tolist()) == ([5], [2.0])
    assert first.get_color() != second.get_color()
    (legend,) = page.legends
    assert [text.get_text() for text in legend.get_texts()] == ['first', 'second']
    page.savefig(tmp_path / 'page.png')
    assert (tmp_path / 'page.png').stat().st_size > 1000


def test_of_one_run_scalars_have_their_own_colours(runs):
    panel = curve_panels(runs[:1])[0]
    (axes,) = panel_figure(panel, runs[:1]).axes
    assert len({line.get_color() for line in axes.lines}) == 2
    assert {line.get_linestyle() for line in axes.lines} == {'-'}
    said = [text.get_text() for text in axes.get_legend().get_texts()]
    assert said == ['loss', 'loss_conditioning']


def test_of_several_runs_each_of_ten_losses_has_a_line_of_its_own(tmp_path):
    names = [f'd/loss_{letter}' for letter in 'abcdefghij']
    for name in ('first', 'second'):
        (tmp_path / name).mkdir()
        rows = [{'iteration': i, **dict.fromkeys(names, 1.0)} for i in range(25)]
        write_rows(tmp_path / name, rows)
    runs = [Run(tmp_path / name) for name in ('first', 'second')]
    figure = panel_figure(curve_panels(runs)[0], runs)
    (axes,) = figure.axes
    figure.canvas.draw()
    dashes = {str(line._unscaled_dash_pattern) for line in axes.lines[:10]}
    assert len(dashes) == 10
    lines = axes.get_legend().get_lines()
    assert {str(line._unscaled_dash_pattern) for line in lines} == dashes


@pytest.mark.parametrize('values, scale', [((1, 100), 'log'), ((0, 100), 'linear')])
def test_norms_are_logarithmic_where_they_can_be(tmp_path, values, scale):
    rows = [
        {'iteration': i, 'diagnostics/feature_norm': value}
        for i, value in enumerate(values)
    ]
    write_rows(tmp_path, rows)
    run = Run(tmp_path)
    (axes,) = panel_figure(curve_panels([run])[0], [run]).axes
    assert axes.get_yscale() == scale


def test_a_run_without_scalars_has_a_page_that_says_so(tmp_path):
    run = Run(write_run(tmp_path / 'run'))
    (run.folder / 'metrics.jsonl').unlink()
    page = curve_page([Run(run.folder)])
    assert page.axes == []
    assert page.texts[0].get_text() == 'no scalars yet'
