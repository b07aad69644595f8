"""Bring a StudioGAN run here, or back; ``python tools/import_studiogan.py --help``."""

import sys

from reacgan_plugin.integrations.studiogan.command import run

if __name__ == '__main__':
    sys.exit(run())
