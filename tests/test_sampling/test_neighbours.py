import pytest
import torch

from reacgan_plugin.sampling.neighbours import (
    FEATURES,
    nearest_neighbours,
    pixel_features,
)

PIXELS = dict(features=pixel_features)


def images(count, side=4):
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8)


@pytest.mark.parametrize('size', [1, 3, 20])
def test_neighbours_are_those_of_a_plain_search(size):
    samples, real = images(6), images(20)
    found = nearest_neighbours(samples, real.split(size), k=4, **PIXELS)
    for row, sample in enumerate(samples):
        every = ((sample.double() - real.double()) / 255).square().flatten(1).sum(1)
        distances, places = every.sqrt().sort()
        assert found.places[row].tolist() == places[:4].tolist()
        torch.testing.assert_close(found.distances[row], distances[:4].float())
        assert torch.equal(found.images[row], real[places[:4]])


def test_a_sample_that_is_a_copy_has_a_distance_of_zero():
    real = images(50)
    found = nearest_neighbours(real[30:35], [real], k=1, **PIXELS)
    assert found.places[:, 0].tolist() == [30, 31, 32, 33, 34]
    assert (found.distances == 0).all()


def test_of_equal_images_the_first_one_is_nearer():
    real = images(1).expand(5, -1, -1, -1)
    found = nearest_neighbours(real[:1], real.split(2), k=3, **PIXELS)
    assert found.places.tolist() == [[0, 1, 2]]


def test_more_neighbours_than_images_raise():
    with pytest.raises(ValueError, match='k=3, but there are 2 real images'):
        nearest_neighbours(images(1), [images(2)], k=3, **PIXELS)


def test_samples_go_through_the_features_in_batches():
    sizes = []

    def features(x):
        sizes.append(len(x))
        return pixel_features(x)

    nearest_neighbours(images(5), [images(3)], k=1, features=features, batch=2)
    assert sizes == [2, 2, 1, 3]


def test_efficientnet_sees_a_texture_where_pixels_see_levels():
    place = torch.arange(32) // 4
    board = ((place[:, None] + place) % 2 * 255).to(torch.uint8).expand(3, -1, -1)
    grey = torch.full_like(board, 127)
    sample, real = (255 - board)[None], torch.stack([grey, board])
    by_pixels = nearest_neighbours(sample, [real], k=1, **PIXELS)
    features = FEATURES['efficientnet-lite0']('cpu')
    by_features = nearest_neighbours(sample, [real], k=1, features=features)
    assert by_pixels.places.item() == 0 and by_features.places.item() == 1
    many = features(torch.cat([real[:1].expand(9, -1, -1, -1), real]))
    assert many.shape == (11, 1280)
    torch.testing.assert_close(many[-2:], features(real), rtol=1e-4, atol=1e-4)
    same = nearest_neighbours(real[1:], [real], k=1, features=features)
    assert same.places.item() == 1 and same.distances.item() < 1e-3
