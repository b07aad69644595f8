"""Sample a trained generator; ``python tools/sample.py --help``."""

import sys

from reacgan_plugin.sample import run

if __name__ == '__main__':
    sys.exit(run())
