"""Data sets, transforms, and the seeded stream of training batches."""

from reacgan_plugin.data.checks import check_dataset, check_image_size, check_labels
from reacgan_plugin.data.cifar import CIFAR10, CIFAR100
from reacgan_plugin.data.class_folder import ClassFolder
from reacgan_plugin.data.dataset import ImageDataset, SeededDataset, build_pipeline
from reacgan_plugin.data.digit_pairs import DigitPairs
from reacgan_plugin.data.digits import Digits, load_digit_images
from reacgan_plugin.data.instance_selection import InstanceSelection
from reacgan_plugin.data.loader import build_train_loader
from reacgan_plugin.data.loading import CenterCropSquare, LoadImage, PackImage
from reacgan_plugin.data.preprocess import ImagePreprocessor
from reacgan_plugin.data.sampler import GlobalBatchSampler

__all__ = [
    'CIFAR10',
    'CIFAR100',
    'CenterCropSquare',
    'ClassFolder',
    'DigitPairs',
    'Digits',
    'GlobalBatchSampler',
    'ImageDataset',
    'ImagePreprocessor',
    'InstanceSelection',
    'LoadImage',
    'PackImage',
    'SeededDataset',
    'build_pipeline',
    'build_train_loader',
    'check_dataset',
    'check_image_size',
    'check_labels',
    'load_digit_images',
]
