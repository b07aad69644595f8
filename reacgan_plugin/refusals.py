"""Which errors, before the first step, are those of a config: one line instead of a
traceback, the same from training and from its check."""

from __future__ import annotations

import traceback

CONFIGS = (ValueError, OSError, SyntaxError)  # that name what is wrong
NO_MEMORY = ('alloc', 'out of memory')  # in words of torch
# that may not, as OpenMMLab raises them
UNNAMED = (TypeError, KeyError, AssertionError, AttributeError, RuntimeError)


def refusal(error: Exception, *, stock: bool = False) -> str | None:
    """What is wrong, in one line; None for a fault of ours or of a user's own class,
    which its traceback tells more about.

    Args:
        error: raised before a run began.
        stock: the config is of another OpenMMLab project, whose components refuse
            settings in any way.
    """
    from mmengine.config.utils import ConfigParsingError

    words = ' '.join(str(error).split())
    if isinstance(error, ImportError):
        return f'custom_imports or an extra: {_what_is_missing(error)}'
    if isinstance(error, CONFIGS):
        return str(error)
    if isinstance(error, ConfigParsingError):
        return f'the config cannot be read: {words}'
    if isinstance(error, RecursionError):
        return f'the config holds itself, or too many levels of settings: {words}'
    if isinstance(error, MemoryError) or _is_out_of_memory(error):
        return f'the config needs more memory than there is: {words}'
    if isinstance(error, UNNAMED) and (stock or _is_of_openmmlab(error)):
        return f'{type(error).__name__}: {words}'
    return None


def _is_out_of_memory(error: Exception) -> bool:
    words = str(error).lower()
    return isinstance(error, RuntimeError) and any(part in words for part in NO_MEMORY)


def _is_of_openmmlab(error: BaseException) -> bool:
    """Whether it was raised by a component of mmengine's or mmcv's, which refuse
    settings in many ways."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return frame.f_globals['__name__'].partition('.')[0] in ('mmengine', 'mmcv')


def _what_is_missing(error: ImportError) -> BaseException:
    """The first of several errors: mmengine puts two of its own around it."""
    reason: BaseException | None = error
    while reason and str(reason).startswith('Failed to import'):
        error, reason = reason, reason.__cause__ or reason.__context__
    if getattr(reason, 'name', None) == 'pkg_resources':
        return ImportError(
            'mmengine finds configs of other projects by pkg_resources, which is gone '
            "from newer setuptools: pip install 'setuptools<81'"
        )
    return reason or error
