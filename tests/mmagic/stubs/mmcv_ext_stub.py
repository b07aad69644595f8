"""A stand-in for mmcv's compiled operators, which no wheel has for new torch releases.

mmcv looks its operators up by name when it is imported and calls them on a GPU only; on
a CPU those that these tests need have a PyTorch form. For the tests alone.
"""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType


class CompiledOperators(ModuleType):
    """Has every operator's name; calling one says that it is not there."""

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)

        def missing(*args, **kwargs):
            raise RuntimeError(f'the compiled operator {name} is not available')

        return missing


if 'mmcv._ext' not in sys.modules:
    stub = CompiledOperators('mmcv._ext')
    # mmengine asks for the loader to know whether operators are there: they are not
    stub.__spec__ = ModuleSpec('mmcv._ext', loader=None)
    sys.modules['mmcv._ext'] = stub
