"""States of techniques in PyTorch-StudioGAN's discriminator files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from reacgan_plugin.integrations.studiogan.sections import NOT_GIVEN
from reacgan_plugin.techniques.adaptive import AdaptiveTechnique
from reacgan_plugin.techniques.lecam import LeCam

NEVER_MOVED = 7777  # what the reference's averages are before a first batch


def import_technique_states(
    techniques: Iterable[nn.Module], content: Mapping, path: str | Path
) -> list[str]:
    """Put the probability of ADA and APA, and LeCam's averages, into their buffers.

    Args:
        techniques: of the model.
        content: of the discriminator's file.
        path: of that file, for messages.

    Returns: remarks on techniques of which the file holds no state.
    Raises: ValueError for a probability that is none.
    """
    remarks = []
    for technique in techniques:
        name = type(technique).__name__
        if isinstance(technique, AdaptiveTechnique):
            strength = _strength(content, path)
            if strength is None:
                remarks.append(f'{name}: {path} has no strength, it starts anew')
            else:
                technique.strength.fill_(strength)
        elif isinstance(technique, LeCam):
            averages = _averages(content, path)
            if averages is None:
                remarks.append(f'{name}: {path} has no averages, they start anew')
            else:
                technique.averages.copy_(averages)
                technique.begun.fill_(1)
    return remarks


def export_technique_states(state: Mapping[str, Tensor]) -> dict:
    """What :func:`import_technique_states` reads, of a model's state dict; nothing of
    techniques that are not there."""
    found = {}
    for name, value in state.items():
        technique, _, buffer = name.rpartition('.')
        if name.startswith('techniques.') and buffer == 'strength':
            found['aa_p'] = value.item()
        elif buffer == 'averages' and state.get(f'{technique}.begun', 0) > 0:
            real, fake = value.tolist()
            found['lecam_emas'] = dict(D_real=real, D_fake=fake)
    return found


def _strength(content: Mapping, path: str | Path) -> float | None:
    """One number for ADA and APA; files of early versions call it ``ada_p``."""
    found = content.get('aa_p', content.get('ada_p', NOT_GIVEN))
    if isinstance(found, Tensor) and found.numel() == 1:
        found = found.item()
    if found is None or isinstance(found, str) and found == NOT_GIVEN:
        return None
    if isinstance(found, int | float) and 0 <= found <= 1:
        return float(found)
    raise ValueError(
        f'{path}: aa_p={found!r} is no probability; allowed: a number from 0 to 1, or '
        f'{NOT_GIVEN!r}'
    )


def _averages(content: Mapping, path: str | Path) -> Tensor | None:
    """Of D(x) and D(G(z)), (2,)."""
    averages = content.get('lecam_emas')
    if averages is None:
        return None
    if not isinstance(averages, Mapping):
        raise ValueError(f'{path}: lecam_emas is a {type(averages).__name__}, no dict')
    found = [averages.get(name, NEVER_MOVED) for name in ('D_real', 'D_fake')]
    try:
        numbers = [float(average) for average in found]
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f'{path}: lecam_emas={averages!r} are no numbers') from error
    return None if NEVER_MOVED in numbers else torch.tensor(numbers)
