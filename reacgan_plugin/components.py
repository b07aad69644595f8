"""Every component by its name in a config; importing this module registers them.

The conditionings, heads and the projection layer also go into mmengine's root
registry, so that ``type='D2DCE'`` builds from any OpenMMLab scope. A name that
somebody else has taken there stays theirs, with a warning.
"""

from __future__ import annotations

import warnings

import mmcv.transforms  # registers mmcv's own transforms in the root  # noqa: F401
from mmengine import registry as root

from reacgan_plugin import conditioning, data, hooks, registry
from reacgan_plugin.backbones.biggan import BigGANDiscriminator, BigGANGenerator
from reacgan_plugin.gan import adversarial
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.optimizers import GANOptimWrapperConstructor
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.layers import HypersphereProjection
from reacgan_plugin.loop import GANTrainLoop
from reacgan_plugin.runner import GANRunner

CONDITIONINGS = {
    'D2DCE': conditioning.D2DCELoss,
    'AC': conditioning.AC,
    'PD': conditioning.PD,
    '2C': conditioning.ConditionalContrastiveLoss,
    'Unconditional': conditioning.Unconditional,
}
HEADS = {
    'HypersphereHead': conditioning.HypersphereHead,
    'ClassifierHead': conditioning.ClassifierHead,
    'ProjectionHead': conditioning.ProjectionHead,
    'AdversarialHead': conditioning.AdversarialHead,
    'HypersphereProjection': HypersphereProjection,
}
ADVERSARIAL_LOSSES = {
    'Vanilla': adversarial.Vanilla,
    'Logistic': adversarial.Logistic,
    'Hinge': adversarial.Hinge,
    'LeastSquares': adversarial.LeastSquares,
    'Wasserstein': adversarial.Wasserstein,
}
OWN_MODELS = {
    'BigGANGenerator': BigGANGenerator,
    'BigGANDiscriminator': BigGANDiscriminator,
    'ConditionalGAN': ConditionalGAN,
    'ImagePreprocessor': data.ImagePreprocessor,
    'Technique': Technique,
}
DATASETS = {
    'Digits': data.Digits,
    'ClassFolder': data.ClassFolder,
    'CIFAR10': data.CIFAR10,
    'CIFAR100': data.CIFAR100,
}
TRANSFORMS = {
    'LoadImage': data.LoadImage,
    'CenterCropSquare': data.CenterCropSquare,
    'PackImage': data.PackImage,
}
HOOKS = {
    'SampleGridHook': hooks.SampleGridHook,
    'LossCurveHook': hooks.LossCurveHook,
    'ProbeReportHook': hooks.ProbeReportHook,
    'RunningMeansHook': hooks.RunningMeansHook,
}
OWN = [
    (registry.MODELS, {**CONDITIONINGS, **HEADS, **ADVERSARIAL_LOSSES, **OWN_MODELS}),
    (registry.DATASETS, DATASETS),
    (registry.TRANSFORMS, TRANSFORMS),
    (registry.HOOKS, HOOKS),
    (registry.RUNNERS, {'GANRunner': GANRunner}),
    (registry.LOOPS, {'GANTrainLoop': GANTrainLoop}),
    (
        registry.OPTIM_WRAPPER_CONSTRUCTORS,
        {'GANOptimWrapperConstructor': GANOptimWrapperConstructor},
    ),
]


def register_in_root(classes: dict[str, type]) -> None:
    """Register into mmengine's root MODELS; a name taken by another class stays."""
    for name, cls in classes.items():
        taken = root.MODELS.module_dict.get(name)
        if taken is None:
            root.MODELS.register_module(name=name, module=cls)
        elif taken is not cls:
            warnings.warn(
                f'{name!r} is registered in mmengine already, as {taken.__module__}.'
                f'{taken.__qualname__}, and stays so; ours is reacgan_plugin.{name}',
                stacklevel=2,
            )


for _registry, _classes in OWN:
    for _name, _class in _classes.items():
        _registry.register_module(name=_name, module=_class)
register_in_root({**CONDITIONINGS, **HEADS})
