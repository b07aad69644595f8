"""The sections of what ``tools/check.py`` reports: a name and a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from reacgan_plugin.batch import Batch
from reacgan_plugin.checking.images import Survey
from reacgan_plugin.checking.memory import Memory
from reacgan_plugin.checking.runner import CheckRunner
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.negatives import describe_negatives

Sections = Iterator[tuple[str, str]]


def networks(model: ConditionalGAN) -> Sections:
    """What is trained, and on what."""
    for name in ('generator', 'discriminator'):
        network = getattr(model, name)
        count = sum(parameter.numel() for parameter in network.parameters())
        kind = type(getattr(network, 'backbone', network)).__name__
        head = ' and its head' if hasattr(network, 'head') else ''
        yield name, f'{kind}{head}: {count:,} parameters'
    terms = type(model.loss).__name__, type(model.adversarial_loss).__name__
    techniques = [type(technique).__name__ for technique in model.techniques]
    yield 'losses', ', '.join([*terms, *techniques])


def data(dataset, found: Survey) -> Sections:
    """What there is to learn from."""
    name = ' '.join(
        str(part)
        for part in (type(dataset).__name__, getattr(dataset, 'data_root', None))
        if part
    )
    yield 'data', f'{name}: {len(dataset):,} images{_of_classes(dataset)}'
    titles = {
        'modes': (found.modes, str),
        'sizes': (found.sizes, _sides),
        'after the pipeline': (found.shapes, _sides),
    }
    parts = [f'{title} {_listed(*of)}' for title, of in titles.items() if of[0]]
    broken = [f'{len(found.broken)} that do not load'] if found.broken else []
    yield 'files', '; '.join([f'{found.images:,} looked at', *parts, *broken])


def course(runner: CheckRunner, batch: Batch) -> Sections:
    """What happens how often."""
    model, iterations = runner.model, runner.train_loop.max_iters
    parts = [f'{batch.micro_batch} images']
    if batch.accumulation > 1:
        parts.append(f'{batch.accumulation} accumulated')
    parts.append(f'{batch.world_size} process(es)')
    yield 'batch', f'{batch.total} in all: {" x ".join(parts)}'
    exact = model.accumulation_mode == 'exact'
    negatives = describe_negatives(model.loss, batch, exact)
    if negatives:
        yield 'negatives', negatives
    shown = iterations * batch.images_per_iteration
    yield (
        'length',
        f'{iterations:,} iterations of {batch.d_updates} discriminator update(s): '
        f'{shown:,} images shown, {shown / len(runner.train_loop.dataset):,.1f} epochs',
    )
    yield 'hooks', ', '.join(map(_with_interval, runner.hooks))


def footprint(runner: CheckRunner, memory: Memory) -> Sections:
    """What a run takes of memory and disk."""
    parts = memory._asdict().items()
    listed = ', '.join(f'{name} {_size(value)}' for name, value in parts if value)
    total = _size(memory.total)
    yield 'memory', f'about {total} a process, as an estimate: {listed}'
    hook = runner.checkpoint_hook
    every = 'no checkpoints, as there is no CheckpointHook'
    if hook is not None:
        size = _size(memory.checkpoint)
        every = f'checkpoints of about {size} every {hook.interval:,} iterations'
    yield 'writes', f'{runner.work_dir}: logs, what hooks write, {every}'


def errors_of(found: Survey, *, broken_too: bool) -> list[str]:
    """What would end the run; ``broken_too``: images that do not load are such."""
    errors = list(found.broken) if broken_too else []
    if len(found.shapes) > 1:
        errors.append(
            'the images of a batch must have one size, but the pipeline gives '
            f'{_listed(found.shapes, _sides)}'
        )
    return errors


def _of_classes(dataset) -> str:
    classes = getattr(dataset, 'classes', None)
    labels = getattr(dataset, 'labels', None)
    if classes is None:
        return ''
    if labels is None:
        return f', {len(classes)} classes'
    counts = np.bincount(labels, minlength=len(classes))
    return f', {len(classes)} classes of {counts.min():,} to {counts.max():,}'


def _with_interval(hook) -> str:
    interval = getattr(hook, 'interval', None)
    every = f' every {interval:,}' if isinstance(interval, int) else ''
    return f'{type(hook).__name__}{every}'


def _listed(counter: Counter, name, most: int = 5) -> str:
    listed = [f'{name(value)} ({count:,})' for value, count in counter.most_common()]
    more = f' and {len(listed) - most} more' if len(listed) > most else ''
    return ', '.join(listed[:most]) + more


def _sides(numbers: tuple) -> str:
    return ' x '.join(map(str, numbers))


def _size(count: float) -> str:
    """A number of bytes, to be read."""
    for unit in ('B', 'kB', 'MB'):
        if count < 1000:
            return f'{count:.3g} {unit}'
        count /= 1000
    return f'{count:.3g} GB'
