"""Curves and a page of runs; ``python tools/plot.py --help``."""

import sys

from reacgan_plugin.plot import run

if __name__ == '__main__':
    sys.exit(run())
