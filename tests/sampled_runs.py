"""Checkpoints with other settings."""

import json

from reacgan_plugin.checkpoint import read_checkpoint, write_checkpoint


def edited(checkpoint: str, path, **settings) -> str:
    """A copy of the checkpoint with other settings in its config."""
    content = read_checkpoint(checkpoint)
    config = json.loads(content['meta']['config'])
    for name, value in settings.items():
        *parents, last = name.split('__')
        place = config
        for parent in parents:
            place = place[parent]
        place[last] = value
    content['meta']['config'] = json.dumps(config)
    write_checkpoint(content, path)
    return str(path)
