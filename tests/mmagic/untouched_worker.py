"""Trains stock models without a loss and saves them; imports the plugin if told to."""

from __future__ import annotations

import random
import sys

import torch
from stock import STOCK, built, trained


def result(name: str) -> dict:
    """State and logs after three iterations."""
    torch.manual_seed(0)
    random.seed(0)  # which decides on style mixing
    model = built(name)
    logs = trained(model, name)
    return dict(state=model.state_dict(), logs=logs)


if __name__ == '__main__':
    plugin, path = sys.argv[1:]
    if plugin == 'with':
        import reacgan_plugin.integrations.mmagic  # noqa: F401
    torch.save({name: result(name) for name in STOCK}, path)
