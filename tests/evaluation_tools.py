"""A tool, ``train`` or ``evaluate``, where an extractor that takes no time is
registered first: one rank of two."""

import sys
from importlib import import_module

from evaluation_parts import Quadrants

import reacgan_plugin.components  # before anything is added  # noqa: F401
from reacgan_plugin.registry import MODELS

if __name__ == '__main__':
    MODELS.register_module(name='Quadrants', module=Quadrants, force=True)
    tool = import_module(f'reacgan_plugin.{sys.argv.pop(1)}')
    tool.main()
