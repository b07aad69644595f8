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
BF16_CAPABILITY = (8, 0)  # of CUDA
BF16_INSTRUCTIONS = ('avx512_bf16', 'amx_bf16', 'bf16')


class Sizes(NamedTuple):
    batch: int
    width: int


class Half(NamedTuple):
    """The fastest settings in half precision, and what they are to gain."""

    what: str
    settings: dict
    goal: float


HALF = {
    'cpu': Half('bf16', dict(amp='bf16'), goal=2.5),
    'cuda': Half(
        'bf16, channels_last and compile',
        dict(amp='bf16', compile=dict(mode='default')),
        goal=2,
    ),
}
FLOAT_GOAL = {'cpu': 1.4, 'cuda': None}
SIZES = {'small': Sizes(batch=4, width=4), 'full': Sizes(batch=64, width=96)}


def measure(options) -> Report:
    sizes, device = SIZES[options.scale], options.device
    note = f'Medians of {options.repeats} turns.'

    def model(**settings):
        return biggan(sizes.width, ema=EMA, **settings).to(device)

    gan = model()
    steps = {
        'part': conditioning_alone(gan, sizes.batch, device),
        'ours': step_of(gan, sizes.batch),
        'apart': step_of(resampling_apart(model()), sizes.batch),
        'eager': step_of(resampling_apart(model(channels_last=False)), sizes.batch),
    }
    slow = lacks_bf16(device)
    if not slow:
        steps['half'] = step_of(model(**HALF[device].settings), sizes.batch)
    peer, lacking = stock_mmagic(gan, sizes.batch, options.repeats + 1, device)
    if lacking:
        print(f'skipped: stock mmagic, {lacking}')
    else:
        steps['mmagic'] = peer.step
        note += f' {peer.description}'
    if device == 'cuda' and torch.backends.cudnn.allow_tf32:
        note += " Convolutions in float32 are TF32, which is torch's default."
    seconds = median_seconds(options.repeats, **steps)
    return report(rows(sizes, seconds, slow, lacking, device), note)


def rows(
    sizes: Sizes,
    seconds: dict[str, float],
    slow: str,
    lacking: str,
    device: str = 'cpu',
) -> list[Row]:
    """Of median seconds by name; ``slow`` and ``lacking`` say why names are absent."""
    size = f'B {sizes.batch}, width {sizes.width}'
    eager = f'against eager float32 NCHW, {size}'
    half, peer = f'{HALF[device].what} {eager}', f'stock mmagic, {size}'
    found = [
        share(
            f"the conditioning's share of a step, {size}",
            seconds['part'],
            seconds['ours'],
            goal=0.02,
        ),
        faster(
            f'float32 {eager}', seconds['ours'], seconds['eager'], FLOAT_GOAL[device]
        ),
        faster(
            f'of which channels_last alone {eager}', seconds['apart'], seconds['eager']
        ),
        not_measured(half, at_least(HALF[device].goal), slow)
        if slow
        else faster(half, seconds['half'], seconds['eager'], HALF[device].goal),
        not_measured(f'a step against {peer}', at_least(1), lacking)
        if lacking
        else faster(f'a step against {peer}', seconds['ours'], seconds['mmagic'], 1),
    ]
    if device == 'cuda':
        return found
    reason = '--device cuda does' if torch.cuda.is_available() else 'no GPU'
    gpu = HALF['cuda']
    return [
        *found,
        not_measured(
            f'on a GPU: {gpu.what} against eager float32', at_least(gpu.goal), reason
        ),
    ]


def step_of(gan, batch: int) -> Callable[[], None]:
    """A whole training step, from a batch as a loader gives it."""
    image, label, *_ = rows_of(batch)
    both = optimizers(gan)
    return lambda: gan.train_step(dict(image=image, label=label), both)


def conditioning_alone(gan, batch: int, device: str = 'cpu') -> Callable[[], None]:
    """All that a step does with head and loss: D judges real and fake, G fake."""
    head, loss = gan.discriminator.head, gan.loss
    width = gan.discriminator.backbone.out_channels
    drawn = torch.randn(2, batch, width, device=device, requires_grad=True)
    real, fake = drawn.unbind()
    _, label, _, fake_label = (rows.to(device) for rows in rows_of(batch))

    def step() -> None:
        judged = head(real, label), head(fake, fake_label, fake=True)
        sum(loss.discriminator(*judged).values()).backward()
        judged = head(fake, fake_label, fake=True)
        sum(loss.generator(judged).values()).backward()

    return step


def lacks_bf16(device: str = 'cpu') -> str:
    """Why bf16 would be slow on this processor or GPU; '' where it has it."""
    if device == 'cuda':
        native = torch.cuda.get_device_capability() >= BF16_CAPABILITY
        return '' if native else 'the GPU has no bf16'
    if not hasattr(torch.cpu, 'get_capabilities'):
        return 'this torch cannot tell whether the processor has bf16'
    found = torch.cpu.get_capabilities()
    if any(found.get(name) for name in BF16_INSTRUCTIONS):
        return ''
    return 'the processor has no bf16'


def stock_mmagic(gan, batch: int, turns: int, device: str = 'cpu'):
    """mmagic's step and '', or None and why there is none."""
    if device != 'cpu':
        return None, 'it is compared on the CPU'
    try:
        import benchmark_mmagic
    except ImportError as error:
        return None, f'{error.name or error} is not installed'
    counts = {name: parameter_count(n) for name, n in networks(gan).items()}
    return benchmark_mmagic.peer(counts, batch, turns), ''
