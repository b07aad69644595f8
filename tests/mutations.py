"""Configs of seconds, and every small mistake that a user may make in one."""

from __future__ import annotations

import copy
from typing import NamedTuple

from evaluation_parts import Quadrants
from hypothesis import strategies as st
from tiny_runs import TINY

from reacgan_plugin.config import load_config
from reacgan_plugin.registry import MODELS

if 'Quadrants' not in MODELS.module_dict:
    MODELS.register_module(module=Quadrants)

SMALL = {
    **TINY,
    'train_cfg.max_iters': 1,
    'total_batch_size': 4,
    'param_scheduler.begin': 0,
    'param_scheduler.end': 4,
    'custom_hooks': [
        dict(type='SampleGridHook', interval=500, per_class=1, classes=[0, 1]),
        dict(type='MetricsFileHook'),
        dict(type='DiagnosticsHook', interval=100),
    ],
    'train_dataloader.num_workers': 0,
    'train_dataloader.dataset.split': 'test',
    'model.fake_labels': 'data',
}
KIDS = dict(type='KID', subsets=2, subset_size=4)
EVALUATION = dict(
    type='EvaluationHook',
    interval=500,
    num_images=20,
    batch_size=10,
    metrics=[KIDS, dict(type='PrecisionRecall', neighbours=2)],
    extractor=dict(type='Quadrants', size=8),
    save_best='KID',
)
DATA = dict(
    type='InstanceSelection',
    keep=0.9,
    per_class=True,
    batch_size=64,
    features=dict(type='ResNetDiscriminator', base_channels=2),
    dataset=dict(
        type='Digits',
        split='test',
        held_out=0.02,
        pipeline=[
            dict(type='LoadImage', channels=3, background=0),
            dict(type='RandomFlip', prob=0.5, direction='horizontal'),
            dict(type='Resize', scale=(32, 32), backend='pillow'),
            dict(type='PackImage'),
        ],
    ),
)
TECHNIQUES = [
    dict(type='R1', weight=0.1, interval=2),
    dict(type='ADA', policy='bg', target=0.6, interval=4, kimg=500),
    dict(type='LeCam', weight=0.3, decay=0.99, start=0),
    dict(type='TopK', gamma=0.99, nu=0.5, interval=10),
]
VARIANTS = {  # settings of their own, by their places
    'plain': {},
    'techniques': {
        'model.techniques': TECHNIQUES,
        'model.loss': dict(
            type='TAC',
            method=dict(type='AC', loss_weight=0.5, normalize='both'),
            discriminator_weight=1.0,
        ),
        'model.adversarial_loss': dict(type='Logistic'),
        'optim_wrapper.generator.clip_grad': dict(max_norm=1.0, norm_type=2),
    },
    'data': {
        'train_dataloader': dict(dataset=DATA, class_balanced=True, num_workers=0)
    },
    'evaluation': {'default_hooks.evaluation': EVALUATION},
}
# what a setting becomes by a mistake in its kind
WRONG = ['0.9', 'many', None, [], {}, 10.5, True, -1, [1, 'a'], {'a': 1}]
OUT_OF_RANGE = [-1, 0, -0.5, 1.5, 2, float('nan'), float('inf'), 10**30]


class Mutation(NamedTuple):
    """One mistake.

    Args:
        config: with the mistake in it.
        path: keys and places down to it.
        what: 'drop', 'misspell', 'value', or 'key', which is misspelt.
        words: one of which a message should have.
    """

    config: dict
    path: tuple
    what: str
    words: tuple[str, ...]


def base_config(variant: str) -> dict:
    """A valid config by the name of a variant."""
    config = load_config('biggan_reacgan_digits.py', SMALL)[0].to_dict()
    reference = config['held_out']
    for place, value in VARIANTS[variant].items():
        *above, last = place.split('.')
        holder = config
        for part in above:
            holder = holder[part]
        holder[last] = copy.deepcopy(value)
    if variant == 'evaluation':
        config['default_hooks']['evaluation']['reference'] = reference
    del config['held_out'], config['to_32']
    return config


def paths(entry, above: tuple = ()) -> list[tuple]:
    """Where mistakes may be made: every key and every place in a list."""
    found = []
    items = entry.items() if isinstance(entry, dict) else enumerate(entry)
    for key, value in items:
        found.append((*above, key))
        if isinstance(value, dict | list | tuple):
            found += paths(value, (*above, key))
    return found


def misspelt(draw, word: str) -> str:
    """A word with one letter dropped, doubled or swapped with the next."""
    place = draw(st.integers(0, len(word) - 1))
    kind = draw(st.sampled_from(['drop', 'double', 'swap']))
    if kind == 'drop':
        return word[:place] + word[place + 1 :]
    if kind == 'double':
        return word[:place] + word[place] + word[place:]
    return word[:place] + word[place : place + 2][::-1] + word[place + 2 :]


@st.composite
def mutations(draw, variants: dict[str, dict]) -> Mutation:
    """A config of one of the variants with one mistake."""
    config = copy.deepcopy(draw(st.sampled_from(list(variants.values()))))
    path = draw(st.sampled_from(paths(config)))
    holder = config
    for part in path[:-1]:
        holder = holder[part]
    if isinstance(holder, tuple):  # a list, to be written into
        holder = _listed(config, path[:-1])
    last, value = path[-1], holder[path[-1]]
    words = [str(part) for part in path if isinstance(part, str)][-2:]
    what = draw(st.sampled_from(['drop', 'misspell', 'value', 'value']))
    if what == 'drop':
        del holder[last]
        words.append(str(value.get('type') if isinstance(value, dict) else value))
    elif what == 'misspell' and isinstance(value, str):
        holder[last] = misspelt(draw, value)
        words.append(holder[last])
    elif what == 'misspell' and isinstance(last, str):
        wrong = misspelt(draw, last)
        holder[wrong] = holder.pop(last)
        words.append(wrong)
        what = 'key' if wrong != last else what  # two letters the same
    else:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        options = WRONG + OUT_OF_RANGE * 2 if number else WRONG
        holder[last] = draw(st.sampled_from(options))
        words.append(repr(holder[last]))
    return Mutation(config, path, what, tuple(words))


def _listed(config, path: tuple) -> list:
    holder = config
    for part in path[:-1]:
        holder = holder[part]
    if isinstance(holder, tuple):
        holder = _listed(config, path[:-1])
    holder[path[-1]] = list(holder[path[-1]])
    return holder[path[-1]]
