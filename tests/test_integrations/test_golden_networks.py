import pytest
import torch
from golden_files import FOLDER, load, names, relative_error
from golden_networks import networks

from reacgan_plugin.integrations.studiogan import (
    build_networks,
    convert_discriminator_state,
    convert_generator_state,
)

OUTPUTS = {
    'eval.adv_output': 'logits',
    'eval.h': 'features',
    'eval.embed': 'embedding',
    'eval.proxy': 'proxy',
    'eval.cls_output': 'class_logits',
}
TWIN = {
    'eval.mi_embed': 'embedding',
    'eval.mi_proxy': 'proxy',
    'eval.mi_cls_output': 'class_logits',
}
CHECKPOINT = 'checkpoint_bigresnet32small_D2DCE'


@pytest.mark.parametrize('name', names('G_*'))
def test_generator_makes_the_images_of_the_reference(name):
    """R28: every entry of its file is used."""
    golden, metadata = load(name)
    generator, _ = networks(name, None, metadata['config'])
    image = generator.eval()(golden['z'], golden['label'])
    assert relative_error(image, golden['image']) < 1e-5
    assert sum(p.numel() for p in generator.parameters()) == metadata['g_params']


@pytest.mark.parametrize('name', names('D_*'))
def test_discriminator_judges_like_the_reference(name):
    """R28: every entry of its file is used."""
    golden, metadata = load(name)
    _, discriminator = networks(None, name, metadata['config'])
    output = discriminator.eval()(golden['image'], golden['label'])
    compared = {key: field for key, field in OUTPUTS.items() if key in golden}
    assert len(compared) >= 2
    for key, field in compared.items():
        assert relative_error(getattr(output, field), golden[key]) < 1e-5, key
    for key in TWIN.keys() & golden.keys():
        actual = getattr(output.twin, TWIN[key])
        assert relative_error(actual, golden[key]) < 1e-5, key
    assert sum(p.numel() for p in discriminator.parameters()) == metadata['d_params']


@pytest.mark.parametrize('name', names('D_*-ADC'))
def test_fakes_are_judged_under_the_other_half_of_the_classes(name):
    golden, metadata = load(name)
    _, discriminator = networks(None, name, metadata['config'])
    output = discriminator.eval()(golden['image'], golden['label'], fake=True)
    assert torch.equal(output.label, golden['label'])
    compared = {
        field: golden[f'eval_adcfake.{key.removeprefix("eval.")}']
        for key, field in OUTPUTS.items()
        if key in golden
    }
    for field, expected in compared.items():
        assert relative_error(getattr(output, field), expected) < 1e-5, field


def _saved_networks(which: str):
    _, metadata = load(f'{CHECKPOINT}/expected_outputs')
    generator, discriminator = build_networks(metadata['config'])
    path = FOLDER / CHECKPOINT / f'model={which}-current-weights-step=3.pth'
    state = torch.load(path, weights_only=True)['state_dict']
    if which == 'D':
        discriminator.load_state_dict(convert_discriminator_state(state), strict=True)
        return discriminator.eval()
    generator.load_state_dict(convert_generator_state(state), strict=True)
    return generator.eval()


@pytest.mark.parametrize('which', ['G', 'G_ema'])
def test_generator_files_of_the_reference_give_its_images(which):
    golden, _ = load(f'{CHECKPOINT}/expected_outputs')
    image = _saved_networks(which)(golden['z'], golden['label'])
    assert relative_error(image, golden[f'{which}.image']) < 1e-5


def test_discriminator_file_of_the_reference_gives_its_outputs():
    golden, _ = load(f'{CHECKPOINT}/expected_outputs')
    output = _saved_networks('D')(golden['image'], golden['image_label'])
    for key, field in OUTPUTS.items():
        if f'D.{key}' in golden:
            actual = getattr(output, field)
            assert relative_error(actual, golden[f'D.{key}']) < 1e-5, key
