"""Evaluate a checkpoint or two image folders; ``python tools/evaluate.py --help``."""

from reacgan_plugin.evaluate import main

if __name__ == '__main__':
    main()
