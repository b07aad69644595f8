import json

import pytest
from matplotlib.figure import Figure
from report_pages import Page
from written_runs import write_rows, write_run

from reacgan_plugin.plotting import Run, report_page

SECTIONS = (
    *('final-numbers', 'samples-over-time', 'curves'),
    *('embeddings', 'settings', 'environment'),
)


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    figure = Figure()
    figure.add_subplot().plot([1, 2])
    run = Run(write_run(tmp_path_factory.mktemp('runs') / 'mine'))
    return report_page(run, {'a map': figure})


@pytest.fixture
def page(source):
    return Page(source)


def test_all_sections_are_there_and_linked(page):
    assert tuple(page.text) == SECTIONS
    assert [link for link in page.links if link.startswith('#')] == [
        f'#{name}' for name in SECTIONS
    ]


def test_nothing_outside_of_the_page_is_needed(page):
    assert all(link.startswith(('#', 'data:image/png;')) for link in page.links)
    assert not {'script', 'link', 'iframe', 'object'} & page.names


def test_every_picture_decodes_and_is_where_it_belongs(page):
    counts = {name: len(found) for name, found in page.pictures.items()}
    assert counts == {
        **dict.fromkeys(SECTIONS, 0),
        'samples-over-time': 2,
        'curves': 5,
        'embeddings': 1,
    }
    first, last = page.pictures['samples-over-time']
    assert first.getpixel((0, 0)) == (10, 10, 10)
    assert last.size == (33, 33)


def test_numbers_settings_and_environment_are_written_out(page):
    assert 'val/FID12.3540' in page.text['final-numbers'].replace(',', '')
    assert 'probe accuracy       samples  0.999 & real' in page.text['final-numbers']
    assert 'model.loss.margin"<0.9>"' in page.text['settings']
    assert 'total_batch_size8' in page.text['settings']
    assert '"max_iters": 40' in page.text['settings']  # in the whole config
    assert 'torch 2.14, cpu' in page.text['environment']
    assert 'iter_40.pth: version 0.1.0, seed 3' in page.text['environment']


def test_metrics_come_with_what_they_depend_on(tmp_path):
    write_rows(tmp_path, [{'iteration': 7, 'val/FID': 3.0}])
    record = dict(
        iteration=7,
        setting=dict(extractor='Inception', truncation=None),
        remarks=['of <few> images'],
        failed={'KID': 'too few'},
    )
    (tmp_path / 'metrics.json').write_text(json.dumps([record]))
    text = Page(report_page(Run(tmp_path))).text['final-numbers']
    for words in ('extractorInception', 'of <few> images', 'KID: too few'):
        assert words in text
    assert 'truncation' not in text


def test_what_a_run_has_not_is_said(tmp_path):
    write_rows(tmp_path, [{'iteration': 1}])
    page = Page(report_page(Run(tmp_path)))
    assert all(not found for found in page.pictures.values())
    words = ('no scalars', 'no pictures', 'no scalars', 'no map', 'no checkpoint')
    for text, said in zip(page.text.values(), (*words, 'neither log'), strict=True):
        assert said in text


def test_of_many_pictures_a_few_are_shown_first_and_last_among_them(tmp_path):
    run = Run(write_run(tmp_path / 'run', grids=range(1, 101)))
    shown = Page(report_page(run)).pictures['samples-over-time']
    pixels = [image.getpixel((0, 0))[0] for image in shown]
    assert len(pixels) == 8
    assert (pixels[0], pixels[-1]) == (1, 100)
    assert pixels == sorted(set(pixels))


def test_large_pictures_are_made_smaller(tmp_path):
    run = Run(write_run(tmp_path / 'run', grids=(1,), side=1500))
    (shown,) = Page(report_page(run)).pictures['samples-over-time']
    assert shown.size == (1024, 1024)


def test_names_cannot_break_the_page(tmp_path):
    run = Run(write_run(tmp_path / 'run'), name='<script>alert("x")</script>')
    page = Page(report_page(run))
    assert 'script' not in page.names
