"""No class information in the discriminator: the floor to compare with."""

from reacgan_plugin.conditioning.base import Conditioning


class Unconditional(Conditioning):
    """The adversarial loss alone, ``loss=dict(type='Unconditional')``."""

    def __init__(self, *, spectral_norm: bool = True):
        super().__init__(spectral_norm=spectral_norm)
