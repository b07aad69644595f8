"""Images of any data set at one size; ``python tools/prepare_data.py --help``."""

import sys

from reacgan_plugin.preparing.command import run

if __name__ == '__main__':
    sys.exit(run())
