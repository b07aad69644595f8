"""The conditioning and the adversarial loss of a StudioGAN config, with the
reference's formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reacgan_plugin.conditioning import Conditioning
from reacgan_plugin.conditioning.names import CONDITIONINGS
from reacgan_plugin.integrations.studiogan.building import built
from reacgan_plugin.integrations.studiogan.sections import (
    NOT_GIVEN,
    given,
    needed,
    with_defaults,
)
from reacgan_plugin.options import one_of

ADVERSARIAL = {
    'vanilla': 'Vanilla',
    'logistic': 'Logistic',
    'least_square': 'LeastSquares',
    'hinge': 'Hinge',
    'wasserstein': 'Wasserstein',
    'MH': 'Hinge',  # which multi-hinge stands in for
}
AUXILIARY = ('W/O', 'TAC', 'ADC')
INFORMATION = (NOT_GIVEN, 'discrete', 'continuous', 'both')
# sides of the features that the reference's residual backbones sum over
SUMMED_SIDES = {32: 8}


def build_conditioning(config: Mapping) -> Conditioning:
    """The conditioning of a StudioGAN config.

    Raises: ValueError for a method that is not known.
    """
    ours = conditioning_config(config)
    return built(ours, CONDITIONINGS.__getitem__, inner='method')


def conditioning_config(config: Mapping) -> dict:
    """The same as a config of ours, ``dict(type='D2DCE', ...)``.

    Raises: ValueError for a method that is not known.
    """
    config = with_defaults(config)
    model, loss = config['MODEL'], config['LOSS']
    method = one_of('MODEL.d_cond_mtd', model['d_cond_mtd'], METHODS)
    ours = METHODS[method](model, loss)
    if not model['apply_d_sn'] and model['backbone'] != 'stylegan2':
        ours['spectral_norm'] = False
    auxiliary = one_of('MODEL.aux_cls_type', model['aux_cls_type'], AUXILIARY)
    if auxiliary == 'ADC':
        ours = dict(type='ADC', method=ours)
    if auxiliary == 'TAC':
        ours = dict(
            type='TAC',
            method=ours,
            formula='studiogan',
            **given(
                discriminator_weight=loss['tac_dis_lambda'],
                generator_weight=loss['tac_gen_lambda'],
            ),
        )
    if one_of('MODEL.info_type', model['info_type'], INFORMATION) != NOT_GIVEN:
        ours = _with_information(ours, config)
    return ours


def adversarial_config(config: Mapping) -> dict:
    """The adversarial loss as a config of ours.

    Raises: ValueError for a loss that is not known, and where one of loss and method is
    multi-hinge and the other is not.
    """
    config = with_defaults(config)
    name, method = config['LOSS']['adv_loss'], config['MODEL']['d_cond_mtd']
    if (name == 'MH') != (method == 'MH'):
        raise ValueError(
            f'LOSS.adv_loss={name!r} with MODEL.d_cond_mtd={method!r}: multi-hinge is '
            'both, or neither'
        )
    return dict(type=ADVERSARIAL[one_of('LOSS.adv_loss', name, ADVERSARIAL)])


def code_sizes(sections: Mapping) -> dict:
    """Numbers of information codes, as the settings of ours are called.

    Raises: ValueError for a number that is not given.
    """
    kind = sections['MODEL']['info_type']
    sizes = dict(discrete=0, continuous=0)
    if kind in ('discrete', 'both'):
        sizes['discrete'] = needed(sections, 'MODEL.info_num_discrete_c')
        sizes['categories'] = needed(sections, 'MODEL.info_dim_discrete_c')
    if kind in ('continuous', 'both'):
        sizes['continuous'] = needed(sections, 'MODEL.info_num_conti_c')
    return sizes


def _with_information(method: dict, config: Mapping) -> dict:
    loss, side = config['LOSS'], SUMMED_SIDES.get(config['DATA']['img_size'], 4)
    style = config['MODEL']['backbone'] == 'stylegan2'
    return dict(
        type='Info',
        method=method,
        **code_sizes(config),
        feature_scale=1.0 if style else 1 / side**2,
        **given(
            discrete_weight=loss['infoGAN_loss_discrete_lambda'],
            continuous_weight=loss['infoGAN_loss_conti_lambda'],
        ),
    )


def _plain(kind: str) -> Callable:
    return lambda model, loss: dict(type=kind)


def _d2dce(model: dict, loss: dict) -> dict:
    return dict(
        type='D2DCE',
        formula='studiogan',
        **given(
            margin=loss['m_p'],
            temperature=loss['temperature'],
            loss_weight=loss['cond_lambda'],
            embed_dim=model['d_embed_dim'],
        ),
    )


def _2c(model: dict, loss: dict) -> dict:
    return dict(
        type='2C',
        **given(
            temperature=loss['temperature'],
            loss_weight=loss['cond_lambda'],
            embed_dim=model['d_embed_dim'],
        ),
    )


def _ac(model: dict, loss: dict) -> dict:
    return dict(
        type='AC',
        normalize='features' if model['normalize_d_embed'] else None,
        **given(loss_weight=loss['cond_lambda']),
    )


def _mh(model: dict, loss: dict) -> dict:
    return dict(
        type='MH',
        **given(
            feature_weight=loss['fm_lambda'] if loss['apply_fm'] else 0.0,
            generator_weight=loss['mh_lambda'],
        ),
    )


METHODS = {
    'W/O': _plain('Unconditional'),
    'PD': _plain('PD'),
    'SPD': _plain('SPD'),
    'MD': _plain('MD'),
    'MH': _mh,
    'AC': _ac,
    '2C': _2c,
    'D2DCE': _d2dce,
}
