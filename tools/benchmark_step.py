"""Speed of a training step of BigGAN at 32 x 32: one update of D, one of G, EMA."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from benchmark_measure import median_seconds
from benchmark_models import (
    biggan,
    networks,
    optimizers,
    parameter_count,
    resampling_apart,
    rows_of,
)
from benchmark_rows import (
    Report,
    Row,
    at_least,
    faster,
    not_measured,
    report,
    share,
)

EMA = dict(decay=0.9999)
BF16_INSTRUCTIONS = ('avx512_bf16', 'amx_bf16', 'bf16')


class Sizes(NamedTuple):
    batch: int
    width: int


SIZES = {'small': Sizes(batch=4, width=4), 'full': Sizes(batch=64, width=96)}


def measure(options) -> Report:
    sizes, note = SIZES[options.scale], f'Medians of {options.repeats} turns.'
    gan = biggan(sizes.width, ema=EMA)
    eager = resampling_apart(biggan(sizes.width, ema=EMA, channels_last=False))
    apart = resampling_apart(biggan(sizes.width, ema=EMA))
    steps = {
        'part': conditioning_alone(gan, sizes.batch),
        'ours': step_of(gan, sizes.batch),
        'apart': step_of(apart, sizes.batch),
        'eager': step_of(eager, sizes.batch),
    }
    slow = lacks_bf16()
    if not slow:
        half = biggan(sizes.width, ema=EMA, amp='bf16')
        steps['bf16'] = step_of(half, sizes.batch)
    peer, lacking = stock_mmagic(gan, sizes.batch, turns=options.repeats + 1)
    if lacking:
        print(f'skipped: stock mmagic, {lacking}')
    else:
        steps['mmagic'] = peer.step
        note += f' {peer.description}'
    seconds = median_seconds(options.repeats, **steps)
    return report(rows(sizes, seconds, slow, lacking), note)


def rows(sizes: Sizes, seconds: dict[str, float], slow: str, lacking: str) -> list[Row]:
    """Of median seconds by name; ``slow`` and ``lacking`` say why names are absent."""
    size = f'B {sizes.batch}, width {sizes.width}'
    eager = f'against eager float32 NCHW, {size}'
    half, peer = f'bf16 {eager}', f'stock mmagic, {size}'
    return [
        share(
            f"the conditioning's share of a step, {size}",
            seconds['part'],
            seconds['ours'],
            goal=0.02,
        ),
        faster(f'float32 {eager}', seconds['ours'], seconds['eager'], 1.4),
        faster(
            f'of which channels_last alone {eager}', seconds['apart'], seconds['eager']
        ),
        not_measured(half, at_least(2.5), slow)
        if slow
        else faster(half, seconds['bf16'], seconds['eager'], 2.5),
        not_measured(f'a step against {peer}', at_least(1), lacking)
        if lacking
        else faster(f'a step against {peer}', seconds['ours'], seconds['mmagic'], 1),
        not_measured(
            'on a GPU: bf16, channels_last and compile against eager float32',
            at_least(2),
            'this command runs on the CPU' if torch.cuda.is_available() else 'no GPU',
        ),
    ]


def step_of(gan, batch: int) -> Callable[[], None]:
    """A whole training step, from a batch as a loader gives it."""
    image, label, *_ = rows_of(batch)
    both = optimizers(gan)
    return lambda: gan.train_step(dict(image=image, label=label), both)


def conditioning_alone(gan, batch: int) -> Callable[[], None]:
    """All that a step does with head and loss: D judges real and fake, G fake."""
    head, loss = gan.discriminator.head, gan.loss
    width = gan.discriminator.backbone.out_channels
    real, fake = torch.randn(2, batch, width, requires_grad=True).unbind()
    _, label, _, fake_label = rows_of(batch)

    def step() -> None:
        judged = head(real, label), head(fake, fake_label, fake=True)
        sum(loss.discriminator(*judged).values()).backward()
        judged = head(fake, fake_label, fake=True)
        sum(loss.generator(judged).values()).backward()

    return step


def lacks_bf16() -> str:
    """Why bf16 would be slow on this processor; '' where it has it."""
    if not hasattr(torch.cpu, 'get_capabilities'):
        return 'this torch cannot tell whether the processor has bf16'
    found = torch.cpu.get_capabilities()
    if any(found.get(name) for name in BF16_INSTRUCTIONS):
        return ''
    return 'the processor has no bf16'


def stock_mmagic(gan, batch: int, turns: int):
    """mmagic's step and '', or None and why there is none."""
    try:
        import benchmark_mmagic
    except ImportError as error:
        return None, f'{error.name or error} is not installed'
    counts = {name: parameter_count(n) for name, n in networks(gan).items()}
    return benchmark_mmagic.peer(counts, batch, turns), ''
