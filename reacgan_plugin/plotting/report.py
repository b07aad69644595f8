"""One page a run that needs nothing beside itself: ``report.html``."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from reacgan_plugin.gan.optimizers import NETWORKS
from reacgan_plugin.plotting.curves import curve_panels, panel_figure
from reacgan_plugin.plotting.runs import Run

MOST_GRIDS = 8
LONGEST_SIDE = 1024  # pixels of a picture of samples
DIGITS = 4  # of a number in the table

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
  max-width: 72rem; margin: 0 auto; padding: 0 1rem 3rem; }
h1 { font-size: 1.6rem; overflow-wrap: anywhere; margin-bottom: 0.2rem; }
h2 { font-size: 1.2rem; border-bottom: 1px solid #ddd; margin-top: 2.2rem; }
nav a { margin-right: 1rem; display: inline-block; }
img { max-width: 100%; height: auto; display: block; }
.samples img { image-rendering: pixelated; width: 100%; }
.pictures { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
.maps { grid-template-columns: repeat(auto-fill, minmax(min(28rem, 100%), 1fr)); }
figure { margin: 0; }
figcaption, .quiet { color: #666; font-size: 0.9rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
td, th { text-align: left; padding: 0.15rem 0.8rem 0.15rem 0; vertical-align: top;
  border-bottom: 1px solid #eee; }
td.number { font-variant-numeric: tabular-nums; text-align: right; }
td.word { overflow-wrap: break-word; }
pre { overflow-x: auto; background: #f6f6f6; padding: 0.8rem; font-size: 0.85rem; }
pre.lines { white-space: pre-wrap; overflow-wrap: anywhere; }
""".strip()


def report_page(run: Run, maps: Mapping[str, Figure] | None = None) -> str:
    """The page as text.

    Args:
        run: what it is of; only what is there is shown, each section says what is not.
        maps: pictures of embeddings by what they show.
    """
    sections = {
        'Final numbers': _numbers(run),
        'Samples over time': _samples(run),
        'Curves': _curves(run),
        'Embeddings': _maps(maps or {}),
        'Settings': _settings(run),
        'Environment': _environment(run),
    }
    links = ''.join(f'<a href="#{_place(t)}">{t}</a>' for t in sections)
    body = ''.join(
        f'<section id="{_place(title)}"><h2>{title}</h2>{content}</section>\n'
        for title, content in sections.items()
    )
    name = escape(run.name)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{name}</title>\n<style>\n{STYLE}\n</style></head>\n<body>\n'
        f'<h1>{name}</h1>\n<p class="quiet">{escape(_headline(run))}</p>\n'
        f'<nav>{links}</nav>\n{body}</body></html>\n'
    )


def _place(title: str) -> str:
    return title.lower().replace(' ', '-')


def _headline(run: Run) -> str:
    loss = run.config.get('model', {}).get('loss') or {}
    most = run.config.get('train_cfg', {}).get('max_iters')
    of_all = f' of {most:,}' if most else ''
    method = f'{loss["type"]}, ' if 'type' in loss else ''
    return f'{method}iteration {run.last:,}{of_all}'


def _numbers(run: Run) -> str:
    words = f'<pre>{escape(run.results)}</pre>' if run.results else ''
    if run.evaluation:
        words += _evaluation(run.evaluation)
    if not run.series:
        return words or _nothing('no scalars: the run is shorter than a log interval')
    rows = [
        (name, f'{value[-1]:.{DIGITS}g}', f'{iteration[-1]:,}')
        for name, (iteration, value) in sorted(run.series.items(), key=_metrics_first)
    ]
    return words + _table(('scalar', 'last value', 'of iteration'), rows)


def _evaluation(record: Mapping) -> str:
    """What the metrics depend on."""
    known = {k: v for k, v in record.get('setting', {}).items() if v is not None}
    settings = [(key, value.strip('"')) for key, value in _flat(known)]
    failed = record.get('failed', {})
    remarks = [*record.get('remarks', ()), *(f'{k}: {v}' for k, v in failed.items())]
    listed = ''.join(f'<li>{escape(remark)}</li>' for remark in remarks)
    return (
        f'<p>Metrics, <code>val/...</code> below, were last taken at iteration '
        f'{record["iteration"]:,}, of:</p>{_table((), settings)}<ul>{listed}</ul>'
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first of each row is a name, the last ones of three are numbers."""
    text = ''.join(f'<th>{escape(cell)}</th>' for cell in head)
    text = f'<tr>{text}</tr>' if head else ''
    for name, *cells in rows:
        kind = 'number' if len(cells) > 1 else 'word'
        text += f'<tr><td class="word">{_word(name)}</td>'
        text += ''.join(f'<td class="{kind}">{_word(cell)}</td>' for cell in cells)
        text += '</tr>'
    return f'<div class="wide"><table>{text}</table></div>'


def _word(text: str) -> str:
    """Escaped, and may be broken where names have their joints."""
    return re.sub(r'([_./])(?=[a-z])', r'\1<wbr>', escape(text))


def _metrics_first(item: tuple) -> tuple:
    name = item[0]
    return not name.startswith('val/'), not name.startswith('diagnostics/'), name


def _samples(run: Run) -> str:
    if not run.grids:
        return _nothing('no pictures: the run has no SampleGridHook')
    shown = run.grids
    if len(shown) > MOST_GRIDS:  # evenly over time, first and last among them
        steps = range(MOST_GRIDS)
        places = [round(i * (len(shown) - 1) / (MOST_GRIDS - 1)) for i in steps]
        shown = [shown[place] for place in places]
    pictures = ''.join(
        f'<figure>{_image(_small(path), f"samples at iteration {iteration}")}'
        f'<figcaption>iteration {iteration:,}</figcaption></figure>'
        for iteration, path in shown
    )
    return f'<div class="pictures samples">{pictures}</div>'


def _curves(run: Run) -> str:
    panels = curve_panels([run])
    if not panels:
        return _nothing('no scalars yet')
    pictures = [
        _image(_png(panel_figure(panel, [run])), panel.title) for panel in panels
    ]
    return f'<div class="pictures">{"".join(pictures)}</div>'


def _maps(maps: Mapping[str, Figure]) -> str:
    if not maps:
        return _nothing('no map: it is drawn from a checkpoint and its data')
    pictures = [_image(_png(figure), title) for title, figure in maps.items()]
    return f'<div class="pictures maps">{"".join(pictures)}</div>'


def _settings(run: Run) -> str:
    if not run.config:
        return _nothing(run.problem or 'no checkpoint, which keeps them')
    whole = escape(json.dumps(run.config, indent=2))
    return (
        _table((), _flat(_main_settings(run.config)))
        + f'<details><summary>all settings</summary><pre>{whole}</pre></details>'
    )


def _main_settings(config: Mapping) -> dict:
    """What tells runs apart; the rest is in the whole config."""
    model = config.get('model', {})
    data = (config.get('train_dataloader') or {}).get('dataset') or {}
    chosen = {
        'total_batch_size': config.get('total_batch_size'),
        'max_iters': config.get('train_cfg', {}).get('max_iters'),
        'seed': config.get('randomness', {}).get('seed'),
        'dataset': {k: v for k, v in data.items() if k != 'pipeline'},
        **{f'model.{k}': v for k, v in model.items() if k not in ('type', 'seed')},
        'optim_wrapper': {
            k: v for k, v in config.get('optim_wrapper', {}).items() if k in NETWORKS
        },
    }
    return {key: value for key, value in chosen.items() if value not in (None, {}, [])}


def _flat(settings: Mapping, before: str = '') -> Iterator[tuple[str, str]]:
    """(dotted key, value as text) of nested settings."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f'{before}{key}.')
        else:
            yield f'{before}{key}', json.dumps(value)


def _environment(run: Run) -> str:
    versions = ('version', 'torch', 'seed', 'time')
    of_checkpoint = [f'{k} {run.meta[k]}' for k in versions if k in run.meta]
    lines = list(run.environment)
    if of_checkpoint:
        lines.append(f'{run.checkpoint.name}: {", ".join(of_checkpoint)}')
    if not lines:
        return _nothing(run.problem or 'neither log nor checkpoint')
    text = escape('\n'.join(lines))
    return f'<pre class="lines">{text}</pre>'


def _nothing(why: str) -> str:
    return f'<p class="quiet">{escape(why)}</p>'


def _image(data: bytes, description: str) -> str:
    source = f'data:image/png;base64,{b64encode(data).decode()}'
    return f'<img src="{source}" alt="{escape(description)}">'


def _png(figure: Figure) -> bytes:
    target = BytesIO()
    figure.savefig(target, format='png', dpi=110)
    return target.getvalue()


def _small(path: Path) -> bytes:
    """A picture's bytes, smaller where it is large, so that the page stays light."""
    with Image.open(path) as picture:
        if max(picture.size) <= LONGEST_SIDE:
            return path.read_bytes()
        picture = picture.convert('RGB')
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        target = BytesIO()
        picture.save(target, 'PNG')
        return target.getvalue()
