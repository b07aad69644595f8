import numpy as np
import pytest
import torch
from evaluation_parts import GivenImages, Quadrants, random_images

from reacgan_plugin.evaluation.extractor import Extracted, Extractor
from reacgan_plugin.evaluation.features import View, extract
from reacgan_plugin.evaluation.ranks import Ranks


def view(extractor=None, batch_size=4, resizer='tf'):
    return View(extractor or Quadrants(), resizer, batch_size)


class Recorder(Extractor):
    """Keeps the images that it sees."""

    def __init__(self, size=None):
        super().__init__('recorder', size=size)
        self.seen = []

    def forward(self, image):
        self.seen.append(image)
        return Extracted(image.flatten(1)[:, :2])


def test_rows_are_what_the_extractor_says_of_each_image():
    images = random_images(10)
    rows = extract(GivenImages(images, np.arange(10)), view(), Ranks(), logits=True)
    expected = Quadrants()(images.float())
    assert torch.equal(rows.features, expected.features)
    assert torch.equal(rows.logits, expected.logits)
    assert rows.labels.tolist() == list(range(10))
    assert (rows.count, rows.name, rows.gaussian) == (10, 'given', None)


@pytest.mark.parametrize('batch_size', [1, 3, 10, 64])
def test_the_batch_size_changes_nothing(batch_size):
    images = random_images(10)
    rows = extract(GivenImages(images), view(batch_size=batch_size), Ranks())
    assert torch.allclose(rows.features, Quadrants()(images.float()).features)


def test_logits_are_kept_only_where_they_are_wanted():
    assert extract(GivenImages(random_images(3)), view(), Ranks()).logits is None


def test_red_stays_red_from_the_image_to_the_extractor():
    """R16: through the feed of a metric."""
    red = torch.tensor([200, 10, 30], dtype=torch.uint8).view(1, 3, 1, 1)
    for size in (None, 12):
        recorder = Recorder(size)
        extract(GivenImages(red.expand(5, 3, 8, 8)), view(recorder), Ranks())
        for image in recorder.seen:
            assert image.shape[2] == (size or 8)
            assert (image - red).abs().max() < 1e-3


def test_images_are_resized_as_wanted():
    stripes = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
    stripes[..., ::2] = 255
    seen = []
    for resizer in ('tf', 'clean'):
        recorder = Recorder(16)
        extract(GivenImages(stripes), view(recorder, resizer=resizer), Ranks())
        seen.append(recorder.seen[0].mean().item())
    assert seen[0] == 255 and seen[1] == pytest.approx(127.5, abs=2)


def test_no_images_are_refused():
    with pytest.raises(ValueError, match='given has no images'):
        extract(GivenImages(random_images(0)), view(), Ranks())


class Broken(Extractor):
    def __init__(self, value):
        super().__init__('broken', size=None)
        self.value = value

    def forward(self, image):
        return Extracted(image.new_full((len(image), 2), self.value))


@pytest.mark.parametrize('value', [torch.nan, torch.inf])
def test_rows_that_are_not_finite_are_refused(value):
    with pytest.raises(ValueError, match=r'broken makes rows of shape \(4, 2\)'):
        extract(GivenImages(random_images(4)), view(Broken(value)), Ranks())
