"""Train a GAN from a config; ``python tools/train.py --help``."""

from reacgan_plugin.train import main

if __name__ == '__main__':
    main()
