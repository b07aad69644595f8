"""Sample a trained generator: ``python tools/sample.py CHECKPOINT --class 3``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from reacgan_plugin.extras import missing_extra


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """Command line of the sampling tool."""
    parser = argparse.ArgumentParser(prog='sample', description='Sample a generator.')
    parser.add_argument('checkpoint', help='written by a training run')
    parser.add_argument(
        '--class',
        dest='classes',
        action='append',
        help='number or name of a class; may be given more than once (default: all)',
    )
    parser.add_argument('--num', type=_count, default=16, help='samples of each class')
    parser.add_argument('--out', type=_png, default='samples.png', help='PNG to write')
    parser.add_argument('--seed', type=int, default=0, help='of z')
    parser.add_argument(
        '--truncation',
        type=_positive,
        help='less variety, more typical samples: psi of StyleGAN2, for others the '
        'largest entry of z (default: none)',
    )
    parser.add_argument(
        '--trust-imports',
        action='store_true',
        help="follow custom_imports of the checkpoint's config",
    )
    return parser.parse_args(arguments)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r}; allowed: 1 or more')
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float('inf'):
        raise argparse.ArgumentTypeError(f'{text!r}; allowed: a number above 0')
    return value


def _png(text: str) -> str:
    if not text.lower().endswith('.png'):
        raise argparse.ArgumentTypeError(f'{text!r}; allowed: a name that ends in .png')
    return text


def load_model(checkpoint: str, *, trust_imports: bool = False):
    """The model of a checkpoint, by the config inside, and the names of its classes.

    Raises: ValueError for a checkpoint that is broken or has no config.
    """
    from reacgan_plugin.checkpoint import load_state, read_checkpoint
    from reacgan_plugin.config import checkpoint_config
    from reacgan_plugin.registry import MODELS, SCOPE, build

    config = checkpoint_config(checkpoint, trust_imports=trust_imports)
    scope = config.get('default_scope', SCOPE)
    if scope not in (None, SCOPE):
        raise ValueError(f"{checkpoint} is of {scope}'s networks; sample with {scope}")
    content = read_checkpoint(checkpoint)
    if 'weights' in config.model.discriminator:  # which the checkpoint brings
        config.model.discriminator.weights = None
    model = build(MODELS, config.model)
    load_state(model, content['state_dict'], checkpoint)
    return model.eval(), content['meta'].get('classes', [])


def class_indices(wanted: list[str] | None, names: list[str], count: int) -> list[int]:
    """Numbers of the classes that a user asked for by number or by name.

    Raises: ValueError for a class that does not exist, with the nearest name.
    """
    from reacgan_plugin.options import did_you_mean

    if wanted is None:
        return list(range(count))
    indices = []
    for name in wanted:
        if name in names:
            indices.append(names.index(name))
        elif name.isdigit() and int(name) < count:
            indices.append(int(name))
        else:
            raise ValueError(
                f'class {name!r} does not exist; allowed: 0..{count - 1} or a name of '
                f'the data set{did_you_mean(name, names)}'
            )
    return indices


def run(arguments: list[str] | None = None) -> int:
    """Write the picture, one row a class; returns the exit code."""
    options = parse_arguments(arguments)
    problem = missing_extra()
    if problem:
        print(f'error: {problem}', file=sys.stderr)
        return 2
    import torch
    from mmengine.device import get_device
    from torchvision.utils import save_image

    from reacgan_plugin.evaluation.sampling import draw_images

    try:
        model, names = load_model(
            options.checkpoint, trust_imports=options.trust_imports
        )
        classes = class_indices(options.classes, names, model.num_classes)
    except ValueError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    model = model.to(get_device())
    label = torch.tensor(classes).repeat_interleave(options.num)
    images = draw_images(model, label, seed=options.seed, truncation=options.truncation)
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    columns = options.num if len(classes) > 1 else round(options.num**0.5 + 0.49)
    save_image(images / 255, options.out, nrow=columns, padding=1)
    print(f'{len(images)} samples in {options.out}')
    return 0


if __name__ == '__main__':
    sys.exit(run())
