"""A small run of PyTorch-StudioGAN: its YAML file and its checkpoints."""

import yaml
from golden_files import FOLDER, load

GOLDEN = 'checkpoint_bigresnet32small_D2DCE'
FILES = {
    '--generator': FOLDER / GOLDEN / 'model=G-current-weights-step=3.pth',
    '--discriminator': FOLDER / GOLDEN / 'model=D-current-weights-step=3.pth',
    '--ema': FOLDER / GOLDEN / 'model=G_ema-current-weights-step=3.pth',
}


def yaml_file(folder, config=None, name='Run.yaml'):
    path = folder / name
    path.write_text(
        yaml.safe_dump(config or load(f'{GOLDEN}/expected_outputs')[1]['config'])
    )
    return path
