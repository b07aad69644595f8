"""The page of a run, as a browser shows it: where there is a Chromium, it is asked."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from report_pages import Page
from written_runs import write_run

from reacgan_plugin.plotting import Run, report_page

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
WIDTH, HEIGHT = 1000, 3000
PHONE = 500  # pixels, the least that a headless Chromium takes


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    """The file of a run with long names, a picture of many rows and a map."""
    folder = write_run(tmp_path_factory.mktemp('runs') / ('a_long_name_' * 9))
    figure = Figure()
    figure.add_subplot().plot([1, 2])
    record = dict(iteration=40, setting=dict(extractor='x' * 90), values={})
    (folder / 'metrics.json').write_text(json.dumps([record]))
    noise = np.random.default_rng(0).integers(0, 256, (64, 640, 3), np.uint8)
    Image.fromarray(noise).save(folder / 'samples' / 'iter_000040.png')
    path = folder / 'report.html'
    path.write_text(report_page(Run(folder), {'a map': figure}))
    return path


def shown(browser, page, *words) -> str:
    """What a browser prints."""
    ended = subprocess.run(
        [
            *(browser, '--headless', '--no-sandbox', '--disable-gpu'),
            *('--disable-dev-shm-usage', '--hide-scrollbars', '--no-first-run'),
            *('--host-resolver-rules=MAP * ~NOTFOUND', f'--user-data-dir={page}.user'),
            *(*words, page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def colourful(pixels: np.ndarray) -> int:
    """Pixels that are no shade of grey, as those of samples and curves."""
    pixels = pixels.astype(int)
    return int((pixels.max(2) - pixels.min(2) > 60).sum())


def drawn_in(browser, page) -> None:
    """Samples, curves and the map, all of them below the numbers, are drawn."""
    picture = page.with_suffix('.png')
    size = f'--window-size={WIDTH},{HEIGHT}'
    shown(browser, page, f'--screenshot={picture}', size)
    pixels = np.asarray(Image.open(picture).convert('RGB'))
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    where = {}
    text = shown(browser, scripted(page), '--dump-dom', size)
    listed = re.search(r'places(\[\[.*?\]\])placed', text)[1]
    for name, *edges in json.loads(listed):
        top, bottom, left, right = map(int, edges)
        counted = colourful(pixels[top:bottom, left:right])
        where.setdefault(name, []).append(counted)
    assert {name: len(counts) for name, counts in where.items()} == {
        'samples-over-time': 2,
        'curves': 5,
        'embeddings': 1,
    }
    assert max(where['samples-over-time']) > 10_000  # the noise
    assert min(where['curves'] + where['embeddings']) > 15  # a point at least
    assert max(where['curves']) > 200  # a line


def scripted(page):
    """A copy that writes down where its pictures are, and how wide it is."""
    copy = page.with_name('scripted.html')
    script = """<script>addEventListener('load', () => {
      const places = [...document.images].map(image => {
        const at = image.getBoundingClientRect();
        return [image.closest('section').id, at.top, at.bottom,
          at.left, at.right]; });
      const root = document.documentElement;
      document.body.append('places' + JSON.stringify(places) + 'placed',
        ` wide ${root.scrollWidth} of ${innerWidth};`); });</script>"""
    copy.write_text(page.read_text() + script)
    return copy


def fits_a_phone(browser, page) -> None:
    size = f'--window-size={PHONE},800'
    text = shown(browser, scripted(page), '--dump-dom', size)
    wide, of = map(int, re.search(r'wide (\d+) of (\d+);', text).groups())
    assert wide <= of <= PHONE


def test_the_page_of_a_run_is_whole_and_a_browser_draws_it(page):
    parsed = Page(page.read_text())  # every tag closed, every picture decodes
    assert sum(map(len, parsed.pictures.values())) == 8
    assert all(link.startswith(('#', 'data:image/png;')) for link in parsed.links)
    assert not {'script', 'link', 'iframe', 'object', 'base'} & parsed.names
    assert not re.search(r'url\(|@import', page.read_text().partition('</style>')[0])
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser:
        drawn_in(browser, page)
        fits_a_phone(browser, page)
