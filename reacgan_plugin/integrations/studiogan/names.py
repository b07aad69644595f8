"""State dicts renamed from PyTorch-StudioGAN's names to ours, and back.

Renaming goes entry by entry, so that any subset of a state dict (gradients, say)
converts too. Nothing is dropped: a name that is not known is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from reacgan_plugin.integrations.studiogan.deep_names import (
    DEEP_BACKBONE_NAMES,
    DEEP_GENERATOR_NAMES,
)
from reacgan_plugin.integrations.studiogan.head_names import ALL as HEAD_NAMES
from reacgan_plugin.integrations.studiogan.head_names import head_names
from reacgan_plugin.integrations.studiogan.resnet_names import RESNET_GENERATOR_NAMES
from reacgan_plugin.integrations.studiogan.stylegan2_names import (
    STYLEGAN2_BACKBONE_NAMES,
    STYLEGAN2_GENERATOR_NAMES,
)
from reacgan_plugin.options import some

# the residual families share their names, StyleGAN2's begin otherwise: one list for all
GENERATOR_NAMES = [
    (r'^info_mix_linear\.', 'mix.'),
    *DEEP_GENERATOR_NAMES,
    *RESNET_GENERATOR_NAMES,
    *STYLEGAN2_GENERATOR_NAMES,
]
BACKBONE_NAMES = [*DEEP_BACKBONE_NAMES, *STYLEGAN2_BACKBONE_NAMES]
BACKBONE = re.compile(r'(blocks|input_conv|b\d+)\.')
SPECTRAL_NAMES = [
    (r'\.weight_orig$', '.parametrizations.weight.original'),
    (r'\.weight_u$', '.parametrizations.weight.0._u'),
    (r'\.weight_v$', '.parametrizations.weight.0._v'),
]
OTHER_GENERATIONS = [
    (r'\.(u|sv)\d+$', 'spectral norm of BigGAN-PyTorch (u0, sv0)'),
    (r'\.bn\d\.embed[01]\.', 'conditional batch norm of StudioGAN before version 0.3'),
]


def convert_generator_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a generator's entries from StudioGAN's names to ours.

    Raises: ValueError listing the names that are not known (ten at most), and for names
    of other generations of such code.
    """
    state = _without_wrapper(state)
    coded = any(name.startswith('info_mix_linear.') for name in state)
    renamed = _renamed(state, GENERATOR_NAMES)
    if not coded:
        return renamed
    return {_inside(name, 'mix.', 'generator.'): v for name, v in renamed.items()}


def convert_discriminator_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a discriminator's entries; the method shows in which of ``linear2``, its
    bias and ``embedding`` are there.

    Raises: as :func:`convert_generator_state`.
    """
    state = _without_wrapper(state)
    backbone = {k: v for k, v in state.items() if BACKBONE.match(k)}
    head = {k: v for k, v in state.items() if k not in backbone}
    return {
        **_renamed(backbone, BACKBONE_NAMES, prefix='backbone.'),
        **_renamed(head, head_names(head), prefix='head.'),
    }


def export_generator_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a generator's entries from ours to StudioGAN's.

    Raises: ValueError listing the names that StudioGAN has no place for.
    """
    plain = {name.removeprefix('generator.'): v for name, v in state.items()}
    return _renamed(plain, backwards(GENERATOR_NAMES), ours=True)


def export_discriminator_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename a discriminator's entries from ours to StudioGAN's.

    Raises: as :func:`export_generator_state`.
    """
    parts = {'backbone.': backwards(BACKBONE_NAMES), 'head.': backwards(HEAD_NAMES)}
    exported = {}
    for prefix, names in parts.items():
        exported |= _renamed(entries_under(state, prefix), names, ours=True)
    if len(exported) < len(state):
        foreign = [name for name in state if not name.startswith(tuple(parts))]
        raise ValueError(f'entries of neither backbone nor head: {some(foreign)}')
    return exported


def entries_under(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries whose names begin with a prefix, without it."""
    return {
        name.removeprefix(prefix): value
        for name, value in state.items()
        if name.startswith(prefix)
    }


def backwards(names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The list that undoes a list; replacements use every group once, in order."""
    return [_backwards(pattern, replacement) for pattern, replacement in names]


def _backwards(pattern: str, replacement: str) -> tuple[str, str]:
    groups = re.findall(r'\(.*?\)', pattern)
    undone = re.escape(replacement)
    for number, group in enumerate(groups, start=1):
        undone = undone.replace(rf'\\{number}', group)
        pattern = pattern.replace(group, rf'\{number}', 1)
    end = '$' if pattern.endswith('$') else ''
    plain = pattern.removeprefix('^').removesuffix('$').replace(r'\.', '.')
    return f'^{undone}{end}', plain


def _renamed(
    state: Mapping[str, Tensor],
    names: list[tuple[str, str]],
    *,
    prefix: str = '',
    ours: bool = False,
) -> dict[str, Tensor]:
    endings = backwards_endings() if ours else SPECTRAL_NAMES
    _check_known(state, names)
    converted = {}
    for name, value in state.items():
        new = next(re.sub(old, new, name) for old, new in names if re.search(old, name))
        for old_end, new_end in endings:
            new = re.sub(old_end, new_end, new)
        converted[prefix + new] = value
    return converted


def backwards_endings() -> list[tuple[str, str]]:
    """Endings of a spectral norm's entries, from ours to theirs."""
    return [(f'{re.escape(new)}$', old[1:-1]) for old, new in SPECTRAL_NAMES]


def _check_known(state: Mapping, names: list[tuple[str, str]]) -> None:
    for pattern, what in OTHER_GENERATIONS:
        found = [name for name in state if re.search(pattern, name)]
        if found:
            raise ValueError(
                f'state dict has names of another generation, {what}: '
                f"{some(found, 3)}; only those of PyTorch-StudioGAN's version 0.3 and "
                'later are read'
            )
    unknown = [k for k in state if not any(re.search(old, k) for old, _ in names)]
    if unknown:
        raise ValueError(f'state dict has names that are not known: {some(unknown)}')


def _without_wrapper(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """DistributedDataParallel puts ``module.`` before every name."""
    return {name.removeprefix('module.'): value for name, value in state.items()}


def _inside(name: str, outer: str, inner: str) -> str:
    return name if name.startswith(outer) else inner + name
