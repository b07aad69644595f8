"""The door of stock mmagic: two lines in a config give its GANs another conditioning.

::

    custom_imports = dict(imports=['reacgan_plugin.integrations.mmagic'])
    model = dict(loss=dict(type='D2DCE'))  # inside type='BigGAN', 'SAGAN', 'StyleGAN2'

Importing this module teaches mmagic's model classes the key ``loss``. Without the key
they stay what they are.
"""

from __future__ import annotations

try:
    from mmagic.models.editors.biggan import BigGAN
    from mmagic.models.editors.sagan import SAGAN
    from mmagic.models.editors.stylegan2 import StyleGAN2
except ModuleNotFoundError as error:
    how = (
        "mmcv's compiled operators, which mmcv has and mmcv-lite has not"
        if error.name == 'mmcv._ext'
        else f'{error.name}, which mmagic 1.2.0 and its own dependencies bring: '
        'pip install mmagic'
    )
    raise ModuleNotFoundError(
        f'reacgan_plugin.integrations.mmagic needs {how}', name=error.name
    ) from error

from reacgan_plugin.integrations.mmagic.models import (
    ConditionedBigGAN,
    ConditionedStyleGAN2,
)
from reacgan_plugin.integrations.mmagic.switch import accept_loss

accept_loss(BigGAN, ConditionedBigGAN, has_bug=True)
accept_loss(SAGAN, ConditionedBigGAN, has_bug=True)  # SNGAN is the same class
accept_loss(StyleGAN2, ConditionedStyleGAN2)
