"""Data sets, transforms, and the seeded stream of training batches."""

from reacgan_plugin.data.checks import check_dataset, check_image_size, check_labels
from reacgan_plugin.data.cifar import CIFAR10, CIFAR100
from reacgan_plugin.data.class_folder import ClassFolder
from reacgan_plugin.data.cub200 import CUB200, CropToBox
from reacgan_plugin.data.dataset import ImageDataset, SeededDataset, build_pipeline
from reacgan_plugin.data.digit_pairs import DigitPairs
from reacgan_plugin.data.digits import Digits, load_digit_images
from reacgan_plugin.data.hdf5 import HDF5Images
from reacgan_plugin.data.instance_selection import InstanceSelection
from reacgan_plugin.data.loader import build_train_loader
from reacgan_plugin.data.loading import CenterCropSquare, LoadImage, PackImage
from reacgan_plugin.data.mapping import MappingDataset
from reacgan_plugin.data.preprocess import ImagePreprocessor
from reacgan_plugin.data.sampler import GlobalBatchSampler
from reacgan_plugin.data.skip_broken import SkipBroken
from reacgan_plugin.data.stylegan import StyleGANArchive
from reacgan_plugin.data.subset import LongTail, PerClass, Subset
from reacgan_plugin.data.tar_shards import TarShards
from reacgan_plugin.data.tiny_imagenet import TinyImageNet

__all__ = [
    'CIFAR10',
    'CIFAR100',
    'CUB200',
    'CenterCropSquare',
    'ClassFolder',
    'CropToBox',
    'DigitPairs',
    'Digits',
    'GlobalBatchSampler',
    'HDF5Images',
    'ImageDataset',
    'ImagePreprocessor',
    'InstanceSelection',
    'LoadImage',
    'LongTail',
    'MappingDataset',
    'PackImage',
    'PerClass',
    'SeededDataset',
    'SkipBroken',
    'StyleGANArchive',
    'Subset',
    'TarShards',
    'TinyImageNet',
    'build_pipeline',
    'build_train_loader',
    'check_dataset',
    'check_image_size',
    'check_labels',
    'load_digit_images',
]
