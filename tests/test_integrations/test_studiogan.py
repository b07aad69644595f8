import pytest
import torch
from golden_files import load, names
from golden_networks import part

from reacgan_plugin.integrations.studiogan import (
    build_conditioning,
    build_networks,
    convert_discriminator_state,
    convert_generator_state,
    export_discriminator_state,
    export_generator_state,
)
from reacgan_plugin.layers import spectral_norm


def _small(**model) -> dict:
    settings = dict(
        backbone='big_resnet',
        g_cond_mtd='cBN',
        d_cond_mtd='D2DCE',
        g_conv_dim=4,
        d_conv_dim=4,
        g_shared_dim=8,
        d_embed_dim=8,
        z_dim=8,
    )
    loss = dict(m_p=0.98, temperature=0.5, cond_lambda=0.5)
    return dict(MODEL={**settings, **model}, LOSS=loss)


CONVERTERS = {
    'G': (0, convert_generator_state, export_generator_state),
    'D': (1, convert_discriminator_state, export_discriminator_state),
}


@pytest.mark.parametrize('prefix', CONVERTERS)
@pytest.mark.parametrize('name', names('layout_*'))
def test_full_size_layout_equals_the_published_config_entry_for_entry(
    name, prefix, monkeypatch
):
    monkeypatch.setattr(spectral_norm, 'WARM_UP', 0)  # no numbers, nothing to settle
    network, convert, _ = CONVERTERS[prefix]
    shapes, metadata = load(name)
    with torch.device('meta'):
        built = build_networks(metadata['config_values'])[network]
    ours = {name: list(value.shape) for name, value in built.state_dict().items()}
    theirs = convert(part(shapes, f'{prefix}.'))
    assert ours == {name: shape.tolist() for name, shape in theirs.items()}
    count = sum(p.numel() for p in built.parameters())
    assert count == metadata[f'{prefix}_params']


@pytest.mark.parametrize('name', [*names('G_*'), *names('D_*')])
def test_an_exported_state_is_the_one_that_was_imported(name):
    _, convert, export = CONVERTERS[name[0]]
    state = part(load(name)[0], 'state.')
    exported = export(convert(state))
    assert exported.keys() == state.keys()
    assert all(exported[key] is state[key] for key in state)


FAMILIES = {
    'big_resnet': {},
    'big_resnet_deep_legacy': dict(g_depth=2, d_depth=2, z_dim=12),
    'big_resnet_deep_studiogan': dict(g_depth=2, d_depth=2, z_dim=12),
    'resnet': dict(z_dim=12),
    'stylegan2': dict(g_cond_mtd='cAdaIN', z_dim=16, w_dim=16),
}
METHODS = ['W/O', 'PD', 'MD', 'MH', 'AC', '2C', 'D2DCE']
AUXILIARY = [(kind, method) for kind in ('TAC', 'ADC') for method in METHODS[4:]]
INFORMATION = dict(
    info_type='both',
    g_info_injection='concat',
    info_num_discrete_c=2,
    info_dim_discrete_c=3,
    info_num_conti_c=1,
)


def assert_it_comes_back(config) -> None:
    with torch.device('meta'):
        networks = build_networks(config)
    for built, (_, convert, export) in zip(networks, CONVERTERS.values(), strict=True):
        state = built.state_dict()
        theirs = export(state)
        assert len(theirs) == len(state)
        assert convert(theirs).keys() == state.keys()


@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('family', FAMILIES)
def test_every_family_and_method_is_exported_and_comes_back(
    family, method, monkeypatch
):
    monkeypatch.setattr(spectral_norm, 'WARM_UP', 0)
    assert_it_comes_back(_small(backbone=family, d_cond_mtd=method, **FAMILIES[family]))


def test_a_mapped_projection_goes_back_where_studiogan_has_one(monkeypatch):
    monkeypatch.setattr(spectral_norm, 'WARM_UP', 0)
    options = dict(backbone='stylegan2', **FAMILIES['stylegan2'])
    assert_it_comes_back(_small(d_cond_mtd='SPD', **options))
    with pytest.raises(ValueError, match='not known: class_map'):
        assert_it_comes_back(_small(d_cond_mtd='SPD'))


@pytest.mark.parametrize('kind, method', AUXILIARY)
@pytest.mark.parametrize('family', ['big_resnet', 'stylegan2'])
def test_every_auxiliary_classifier_is_exported_and_comes_back(
    family, kind, method, monkeypatch
):
    monkeypatch.setattr(spectral_norm, 'WARM_UP', 0)
    options = dict(aux_cls_type=kind, d_cond_mtd=method, **FAMILIES[family])
    assert_it_comes_back(_small(backbone=family, **options))


@pytest.mark.parametrize('kind', ['W/O', 'TAC', 'ADC'])
@pytest.mark.parametrize('family', FAMILIES)
def test_information_codes_are_exported_and_come_back(family, kind, monkeypatch):
    monkeypatch.setattr(spectral_norm, 'WARM_UP', 0)
    options = {**FAMILIES[family], **INFORMATION, 'aux_cls_type': kind}
    assert_it_comes_back(_small(backbone=family, **options))


def test_codes_that_enter_by_the_norms_are_not_to_be_had():
    options = {**INFORMATION, 'g_info_injection': 'cBN'}
    with pytest.raises(ValueError, match="g_info_injection='cBN'.*concat"):
        build_networks(_small(**options))


def test_missing_keys_take_the_defaults_of_the_reference():
    generator, discriminator = build_networks(
        dict(MODEL=dict(backbone='big_resnet', g_conv_dim=4, d_conv_dim=4))
    )
    assert generator.z_dim == 128
    assert generator.num_classes is None
    names = [name for name, _ in discriminator.named_parameters()]
    assert not any('parametrizations' in name for name in names)


def test_attention_follows_the_blocks_that_the_config_counts():
    generator, discriminator = build_networks(
        _small(apply_attn=True, attn_g_loc=[2], attn_d_loc=[1], g_conv_dim=8)
    )
    kinds = [type(block).__name__ for block in generator.blocks]
    assert kinds.index('SelfAttention') == 2
    kinds = [type(block).__name__ for block in discriminator.backbone.blocks]
    assert kinds.index('SelfAttention') == 1


def test_an_unknown_backbone_is_named_with_what_is_supported():
    with pytest.raises(ValueError, match="MODEL.backbone='big_resne'.*big_resnet"):
        build_networks(_small(backbone='big_resne'))


def test_an_unknown_method_is_named_with_what_is_supported():
    with pytest.raises(ValueError, match="MODEL.d_cond_mtd='D2D'.*D2DCE"):
        build_networks(_small(d_cond_mtd='D2D'))


def test_unknown_names_in_a_state_are_listed_ten_at_most():
    state = {f'blocks.0.0.other{i}': torch.zeros(1) for i in range(12)}
    with pytest.raises(ValueError, match=r'blocks\.0\.0\.other0.* and 2 more'):
        convert_generator_state(state)
    with pytest.raises(ValueError, match=r'not known: linear3\.weight$'):
        convert_discriminator_state({'linear3.weight': torch.zeros(1)})


@pytest.mark.parametrize(
    'name, what',
    [
        ('blocks.0.0.conv1.u0', 'BigGAN-PyTorch'),
        ('blocks.0.0.conv1.sv0', 'BigGAN-PyTorch'),
        ('blocks.0.0.bn1.embed0.weight_orig', 'before version 0.3'),
    ],
)
@pytest.mark.parametrize('convert', [c[1] for c in CONVERTERS.values()])
def test_names_of_other_generations_are_told_apart(convert, name, what):
    """R28: and named, never loaded in part."""
    with pytest.raises(ValueError, match=f'another generation.*{what}.*{name}'):
        convert({name: torch.zeros(1)})


@pytest.mark.parametrize('prefix', CONVERTERS)
def test_names_of_a_wrapped_network_convert_alike(prefix):
    _, convert, _ = CONVERTERS[prefix]
    names = {'G': 'linear0.bias', 'D': 'linear1.bias'}
    plain, wrapped = ({name: 1} for name in (names[prefix], f'module.{names[prefix]}'))
    assert convert(wrapped) == convert(plain)


def test_what_studiogan_has_no_place_for_is_not_exported():
    with pytest.raises(ValueError, match='not known: blocks.0.gate'):
        export_generator_state({'blocks.0.gate': torch.zeros(1)})
    with pytest.raises(ValueError, match='neither backbone nor head: other'):
        export_discriminator_state({'other': torch.zeros(1)})


def test_any_subset_of_a_state_converts():
    gradient = {'linear0.weight_orig': torch.ones(1)}
    assert list(convert_generator_state(gradient)) == [
        'input.parametrizations.weight.original'
    ]


def test_the_conditioning_has_the_formula_of_the_reference():
    loss = build_conditioning(_small())
    assert (loss.formula, loss.margin, loss.loss_weight) == ('studiogan', 0.98, 0.5)


def test_normalised_auxiliary_classifier_does_what_the_reference_really_does():
    config = _small(d_cond_mtd='AC', normalize_d_embed=True)
    assert build_conditioning(config).head_options['normalize'] == 'features'
