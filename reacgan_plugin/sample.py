"""Sample a trained generator: ``python tools/sample.py CHECKPOINT --class 3``."""

from __future__ import annotations

import sys

from reacgan_plugin.endings import refuse
from reacgan_plugin.extras import missing_extra
from reacgan_plugin.sampling.arguments import parse_arguments
from reacgan_plugin.sampling.classes import class_indices
from reacgan_plugin.sampling.loading import load_model

__all__ = ['class_indices', 'load_model', 'parse_arguments', 'run']


def run(arguments: list[str] | None = None) -> int:
    """Write what is asked for; returns the exit code."""
    options = parse_arguments(arguments)
    problem = missing_extra()
    if problem:
        return refuse(problem)
    from reacgan_plugin.sampling.jobs import do

    try:
        print(do(options))
    except (ValueError, OSError, ImportError) as error:
        return refuse(error)
    except KeyboardInterrupt:
        print('stopped; files that are in a folder stay', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(run())
