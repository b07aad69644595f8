"""Every component by its name in a config; importing this module registers them."""

from __future__ import annotations

import mmcv.transforms  # registers mmcv's own transforms in the root  # noqa: F401

from reacgan_plugin import backbones, data, hooks, registry, techniques
from reacgan_plugin.conditioning.names import CONDITIONINGS, HEADS
from reacgan_plugin.evaluation.names import EXTRACTORS, METRICS
from reacgan_plugin.gan import adversarial
from reacgan_plugin.gan.model import ConditionalGAN
from reacgan_plugin.gan.optimizers import GANOptimWrapperConstructor
from reacgan_plugin.gan.technique import Technique
from reacgan_plugin.integrations.openmmlab import LAYERS
from reacgan_plugin.loop import GANTrainLoop
from reacgan_plugin.runner import GANRunner

ADVERSARIAL_LOSSES = {
    'Vanilla': adversarial.Vanilla,
    'Logistic': adversarial.Logistic,
    'Hinge': adversarial.Hinge,
    'LeastSquares': adversarial.LeastSquares,
    'Wasserstein': adversarial.Wasserstein,
    'Relativistic': adversarial.Relativistic,
}
TECHNIQUES = {name: getattr(techniques, name) for name in techniques.__all__}
OWN_MODELS = {
    'ConditionalGAN': ConditionalGAN,
    'ImagePreprocessor': data.ImagePreprocessor,
    'Technique': Technique,
}
BACKBONES = {name: getattr(backbones, name) for name in backbones.__all__}
DATASETS = {
    'Digits': data.Digits,
    'DigitPairs': data.DigitPairs,
    'ClassFolder': data.ClassFolder,
    'CIFAR10': data.CIFAR10,
    'CIFAR100': data.CIFAR100,
    'TinyImageNet': data.TinyImageNet,
    'CUB200': data.CUB200,
    'StyleGANArchive': data.StyleGANArchive,
    'HDF5Images': data.HDF5Images,
    'TarShards': data.TarShards,
    'MappingDataset': data.MappingDataset,
    'InstanceSelection': data.InstanceSelection,
    'LongTail': data.LongTail,
    'PerClass': data.PerClass,
    'SkipBroken': data.SkipBroken,
}
TRANSFORMS = {
    'LoadImage': data.LoadImage,
    'CenterCropSquare': data.CenterCropSquare,
    'CropToBox': data.CropToBox,
    'PackImage': data.PackImage,
}
HOOKS = {name: getattr(hooks, name) for name in hooks.__all__}
OWN = [
    (registry.MODELS, {**CONDITIONINGS, **HEADS, **LAYERS}),
    (registry.MODELS, {**ADVERSARIAL_LOSSES, **TECHNIQUES, **OWN_MODELS}),
    (registry.MODELS, EXTRACTORS),
    (registry.BACKBONES, BACKBONES),
    (registry.DATASETS, DATASETS),
    (registry.TRANSFORMS, TRANSFORMS),
    (registry.HOOKS, HOOKS),
    (registry.METRICS, METRICS),
    (registry.RUNNERS, {'GANRunner': GANRunner}),
    (registry.LOOPS, {'GANTrainLoop': GANTrainLoop}),
    (
        registry.OPTIM_WRAPPER_CONSTRUCTORS,
        {'GANOptimWrapperConstructor': GANOptimWrapperConstructor},
    ),
]


for _registry, _classes in OWN:
    for _name, _class in _classes.items():
        _registry.register_module(name=_name, module=_class)
