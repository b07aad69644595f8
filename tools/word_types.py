"""Words of a command line as numbers; for argparse's ``type``."""

from reacgan_plugin.words import count
from reacgan_plugin.words import positive as seconds

__all__ = ['count', 'seconds']
