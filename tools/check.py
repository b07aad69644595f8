"""What a training run would do; ``python tools/check.py --help``."""

import sys

from reacgan_plugin.check import run

if __name__ == '__main__':
    sys.exit(run())
