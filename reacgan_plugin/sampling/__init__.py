"""Pictures of a trained generator; ``tools/sample.py`` is this package's command.

Functions take a generator and give uint8 images::

    from reacgan_plugin.sampling import between_classes, load_generator, save_picture

    generator, num_classes, names = load_generator('work_dirs/mine/iter_3000.pth')
    frames = between_classes(generator, [3, 7], seeds=[0, 1], frames=8)
    save_picture(frames.flatten(0, 1), 'strip.png', columns=8)
"""

from reacgan_plugin.sampling.classes import class_indices
from reacgan_plugin.sampling.directions import along_directions, closed_form_directions
from reacgan_plugin.sampling.drawing import draw, draw_batches
from reacgan_plugin.sampling.files import write_folder, write_zip
from reacgan_plugin.sampling.interpolation import between_classes, between_seeds
from reacgan_plugin.sampling.loading import load_generator, load_model
from reacgan_plugin.sampling.neighbours import FEATURES, nearest_neighbours
from reacgan_plugin.sampling.pictures import save_animation, save_picture, tiled

__all__ = [
    'FEATURES',
    'along_directions',
    'between_classes',
    'between_seeds',
    'class_indices',
    'closed_form_directions',
    'draw',
    'draw_batches',
    'load_generator',
    'load_model',
    'nearest_neighbours',
    'save_animation',
    'save_picture',
    'tiled',
    'write_folder',
    'write_zip',
]
