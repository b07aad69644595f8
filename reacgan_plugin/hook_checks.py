"""Checks of what a config says around its hooks: names and priorities."""

from __future__ import annotations

from mmengine.runner import Priority

from reacgan_plugin.options import in_range, nearest, one_of, whole

# in default_hooks, with or without a config
MMENGINES_HOOKS = (
    'runtime_info',
    'timer',
    'sampler_seed',
    'logger',
    'param_scheduler',
    'checkpoint',
)
OUR_HOOKS = ('guard', 'evaluation')


def check_name(name: str) -> None:
    """ValueError for a name in ``default_hooks`` that is nearly a known one: it would
    leave that hook as it is, beside another."""
    known = (*MMENGINES_HOOKS, *OUR_HOOKS)
    meant = nearest(name, known, cutoff=0.8)
    if meant and name not in known:
        raise ValueError(
            f'default_hooks.{name} is no hook of that name (did you mean {meant!r}?); '
            'a hook of your own needs a name less like it'
        )


def check_priority(key: str, value) -> None:
    """ValueError unless mmengine knows a hook's priority: a word, whatever its case, or
    a whole number from 0, the first, to 100."""
    if isinstance(value, Priority) or value is None:
        return
    if isinstance(value, str):
        one_of(key, value.upper(), Priority.__members__)
    else:
        in_range(key, value, above=-1, up_to=100)
        whole(key, value, above=-1)
