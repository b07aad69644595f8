from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from raw_png import raw_png

from reacgan_plugin.data.dataset import build_pipeline
from reacgan_plugin.data.loading import (
    CenterCropSquare,
    LoadImage,
    PackImage,
)

RED, GREEN, BLUE, WHITE = [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]
RESIZE = dict(type='Resize', scale=(32, 32), backend='pillow', interpolation='bicubic')


@pytest.fixture
def save(tmp_path):
    """Write pixels (or a PIL image) to a file and give its path."""

    def write(image, name='image.png', mode=None, **options):
        if not isinstance(image, Image.Image):
            image = Image.fromarray(np.array(image, dtype=np.uint8))
        assert mode is None or image.mode == mode
        image.save(tmp_path / name, **options)
        return str(tmp_path / name)

    return write


def loaded(path, **options):
    return LoadImage(**options)(dict(img_path=path))['img'].tolist()


def run(transforms, results):
    for transform in build_pipeline(transforms):
        results = transform(results)
    return results


def palette_image(colours):
    image = Image.new('P', (len(colours), 1))
    image.putpalette([level for colour in colours for level in colour])
    for column in range(len(colours)):
        image.putpixel((column, 0), column)
    return image


def test_rgb_keeps_every_pixel(save):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    results = LoadImage()(dict(img_path=save(pixels, mode='RGB')))
    assert np.array_equal(results['img'], pixels)
    assert results['img'].dtype == np.uint8
    assert results['img_shape'] == results['ori_shape'] == (3, 5)


def test_rgb_becomes_grey_for_one_channel(save):
    path = save([[RED, WHITE, [7, 7, 7]]])
    assert loaded(path, channels=1) == [[76, 255, 7]]


def test_grey_becomes_three_equal_channels_or_stays_grey(save):
    path = save([[0, 100, 255]], mode='L')
    assert loaded(path) == [[[0] * 3, [100] * 3, [255] * 3]]
    assert loaded(path, channels=1) == [[0, 100, 255]]


def test_one_bit_becomes_black_and_white(save):
    path = save(Image.fromarray(np.array([[False, True]])), mode='1')
    assert loaded(path) == [[[0] * 3, WHITE]]
    assert loaded(path, channels=1) == [[0, 255]]


@pytest.mark.parametrize('background, expected', [(255, 224), (0, 20), (100, 100)])
def test_grey_with_alpha_is_composited_on_the_background(save, background, expected):
    """R36: not dropped."""
    path = save([[[9, 255], [50, 0], [100, 51]]], mode='LA')  # alpha 1, 0, 0.2
    grey = loaded(path, channels=1, background=background)
    assert grey == [[9, background, expected]]
    rgb = loaded(path, background=background)
    assert rgb == [[[9] * 3, [background] * 3, [expected] * 3]]


def test_colour_with_alpha_is_composited_on_a_colour(save):
    path = save([[RED + [255], RED + [0], RED + [51]]], mode='RGBA')
    assert loaded(path) == [[RED, WHITE, [255, 204, 204]]]
    assert loaded(path, background=(0, 100, 200)) == [
        [RED, [0, 100, 200], [51, 80, 160]]
    ]


def test_palette_colours_are_looked_up(save):
    """R36: not taken for grey levels."""
    path = save(palette_image([RED, GREEN, BLUE]), mode='P')
    assert loaded(path) == [[RED, GREEN, BLUE]]


@pytest.mark.parametrize('transparency', [1, bytes([255, 0, 51])])
def test_palette_transparency_is_composited(save, transparency):
    path = save(palette_image([RED, GREEN, BLUE]), transparency=transparency)
    blue = BLUE if transparency == 1 else [204, 204, 255]
    assert loaded(path) == [[RED, WHITE, blue]]


def test_a_colour_declared_transparent_shows_the_background(save):
    path = save([[RED, GREEN]], transparency=tuple(GREEN))
    assert loaded(path, background=0) == [[RED, [0, 0, 0]]]


def test_an_inverted_cmyk_jpeg_has_the_right_colours_too(save):
    """R36: as Adobe writes it, and after it PIL."""
    inks = np.zeros((8, 24, 4), dtype=np.uint8)
    inks[:, 8:16], inks[:, 16:] = [0, 255, 255, 0], [0, 0, 0, 255]
    path = save(Image.fromarray(inks, mode='CMYK'), 'image.jpg', quality=100)
    assert b'Adobe' in Path(path).read_bytes()[:40]
    image = np.array(loaded(path))[4, [4, 12, 20]]
    assert np.abs(image - [WHITE, RED, [0, 0, 0]]).max() <= 2
    grey = np.array(loaded(path, channels=1))[4, [4, 12, 20]]
    assert np.abs(grey - [255, 76, 0]).max() <= 2


def test_cmyk_becomes_rgb(save):
    """R36: four channels are no RGBA."""
    inks = np.array([[[0, 255, 255, 0], [0, 0, 0, 0], [0, 0, 0, 255]]], dtype=np.uint8)
    image = Image.fromarray(inks, mode='CMYK')
    path = save(image, 'image.tif', mode='CMYK')
    assert loaded(path) == [[RED, WHITE, [0, 0, 0]]]
    assert loaded(path, channels=1) == [[76, 255, 0]]


@pytest.mark.parametrize('dtype, mode', [(np.uint16, 'I;16'), (np.int32, 'I')])
def test_sixteen_bits_are_scaled_to_eight(save, dtype, mode):
    """R36: not cut off."""
    levels = np.array([[0, 128, 129, 32768, 65535]], dtype=dtype)  # 129 / 257 > 0.5
    path = save(Image.fromarray(levels), 'image.tif', mode=mode)
    assert loaded(path, channels=1) == [[0, 0, 1, 128, 255]]
    assert loaded(path)[0][3] == [128] * 3


def test_a_raw_png_is_scaled_too(save):
    path = save(Image.fromarray(np.array([[0, 25700, 65535]], dtype=np.uint16)))
    assert loaded(path, channels=1) == [[0, 100, 255]]


@pytest.mark.parametrize('alpha', [False, True])
def test_sixteen_bits_a_colour_become_their_high_bytes(tmp_path, alpha):
    levels = np.array([[[65535, 25700, 511]]], dtype=np.uint16)
    if alpha:
        opaque = np.full((1, 1, 1), 65535, dtype=np.uint16)
        levels = np.concatenate([levels, opaque], axis=2)
    path = tmp_path / 'image.png'
    path.write_bytes(raw_png(levels))
    assert loaded(path) == [[[255, 100, 1]]]
    assert loaded(path, channels=1) == [[135]]  # of 0.299, 0.587, 0.114


UPRIGHT = np.array([[0, 50, 100], [150, 200, 250]], dtype=np.uint8)
STORED = {  # what a viewer has to undo
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT),
    7: UPRIGHT[::-1, ::-1].T,
    8: np.rot90(UPRIGHT, -1),
}


@pytest.mark.parametrize('suffix', ['png', 'tif', 'webp'])
@pytest.mark.parametrize('orientation', STORED)
def test_images_are_turned_upright_by_exif(save, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = dict(lossless=True) if suffix == 'webp' else {}
    path = save(STORED[orientation], f'image.{suffix}', exif=exif, **options)
    assert loaded(path, channels=1) == UPRIGHT.tolist()
    assert loaded(path) == UPRIGHT[..., None].repeat(3, axis=2).tolist()


def test_arrays_go_through_the_same_conversion():
    grey = np.array([[[3], [4]]], dtype=np.uint8)
    assert LoadImage()(dict(img=grey))['img'].tolist() == [[[3] * 3, [4] * 3]]
    assert LoadImage(channels=1)(dict(img=grey))['img'].tolist() == [[3, 4]]
    wide = np.array([[0, 65535]], dtype=np.uint16)
    assert LoadImage(channels=1)(dict(img=wide))['img'].tolist() == [[0, 255]]


def test_a_loaded_image_may_be_written_to():
    pixels = np.zeros((2, 2, 3), dtype=np.uint8)
    image = LoadImage()(dict(img=pixels))['img']
    image += 1
    assert pixels.max() == 0


def test_levels_beyond_sixteen_bits_and_float_pixels_are_refused(save):
    deep = save(Image.fromarray(np.array([[0, 70000]], dtype=np.int32)), 'deep.tif')
    with pytest.raises(ValueError, match='deep.tif.*0..70000 do not fit 16 bits'):
        loaded(deep)
    floats = save(Image.fromarray(np.zeros((1, 2), dtype=np.float32)), 'float.tif')
    with pytest.raises(ValueError, match='float.tif.*mode F'):
        loaded(floats)
    with pytest.raises(ValueError, match="'img' is float64"):
        LoadImage()(dict(img=np.zeros((2, 2))))


@pytest.mark.parametrize('options, message', [
    (dict(channels=4), 'channels=4; allowed: 1, 3'),
    (dict(background=256), 'background=256'),
    (dict(max_pixels=0), 'max_pixels=0 is out of range'),
    (dict(background=(0, 0)), r'background=\(0, 0\)'),
])  # fmt: skip
def test_bad_options_say_what_is_allowed(options, message):
    with pytest.raises(ValueError, match=message):
        LoadImage(**options)


@pytest.mark.parametrize('shape', [(4, 8, 3), (8, 4, 3), (4, 9), (5, 5, 3)])
def test_the_largest_centred_square_is_cut_out(shape):
    image = np.arange(np.prod(shape)).reshape(shape)
    results = CenterCropSquare()(dict(img=image))
    side, height, width = min(shape[:2]), *shape[:2]
    top, left = (height - side) // 2, (width - side) // 2
    assert results['img_shape'] == (side, side)
    assert np.array_equal(results['img'], image[top : top + side, left : left + side])


@pytest.mark.parametrize(
    'shape, channels', [((2, 4, 3), 3), ((2, 4), 1), ((2, 4, 1), 1)]
)
def test_packing_gives_channels_first_and_only_what_training_needs(shape, channels):
    image = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    flipped = image[:, ::-1]  # as flips leave it: negative strides
    packed = PackImage()(dict(img=flipped, label=np.int64(3), img_path='x'))
    assert sorted(packed) == ['image', 'label']
    assert packed['image'].shape == (channels, 2, 4)
    assert packed['image'].dtype == torch.uint8 and packed['image'].is_contiguous()
    assert packed['image'][0, 0, 0] == flipped[0, 0].ravel()[0]
    assert type(packed['label']) is int and packed['label'] == 3


def test_packing_copies_so_that_images_in_memory_stay_as_they_are():
    image = np.zeros((2, 2), dtype=np.uint8)
    PackImage()(dict(img=image, label=0))['image'].fill_(9)
    assert image.max() == 0


@pytest.mark.parametrize('label', [1.0, 'cat', None, [0, 1], np.array([0.0, 1.0])])
def test_packing_refuses_labels_that_are_no_integers(label):
    with pytest.raises(ValueError, match='no integer class index'):
        PackImage()(dict(img=np.zeros((2, 2), np.uint8), label=label))


def test_packing_refuses_a_missing_label_and_other_images():
    with pytest.raises(ValueError, match="no 'label'"):
        PackImage()(dict(img=np.zeros((2, 2), np.uint8)))
    with pytest.raises(ValueError, match='float32'):
        PackImage()(dict(img=np.zeros((2, 2, 3), np.float32), label=0))
    with pytest.raises(ValueError, match=r'\(2, 2, 4\)'):
        PackImage()(dict(img=np.zeros((2, 2, 4), np.uint8), label=0))


@pytest.mark.parametrize('channels', [1, 3])
def test_mmcv_transforms_work_between_ours(save, channels):
    path = save(np.full((40, 60, 3), RED, dtype=np.uint8))
    packed = run(
        [
            LoadImage(channels=channels),
            CenterCropSquare(),
            RESIZE,
            dict(type='RandomFlip', prob=0.5),
            dict(type='CenterCrop', crop_size=28),
            PackImage(),
        ],
        dict(img_path=path, label=0),
    )
    colour = RED if channels == 3 else [76]
    expected = torch.tensor(colour, dtype=torch.uint8)[:, None, None]
    assert torch.equal(packed['image'], expected.expand(channels, 28, 28))


@pytest.mark.parametrize('channels', [1, 3])
def test_flips_follow_numpys_generator(channels):
    image = np.arange(4, dtype=np.uint8).reshape(1, 4)
    flip = dict(type='RandomFlip', prob=0.5)
    pipeline = [LoadImage(channels=channels), flip, PackImage()]
    first_rows = []
    for seed in range(20):
        np.random.seed(seed)
        packed = run(pipeline, dict(img=image, label=0))
        first_rows.append(packed['image'][0, 0].tolist())
    assert {tuple(row) for row in first_rows} == {(0, 1, 2, 3), (3, 2, 1, 0)}


def test_our_transforms_build_by_name(save):
    names = [dict(type=name) for name in ('LoadImage', 'CenterCropSquare', 'PackImage')]
    packed = run(names, dict(img_path=save([[RED, GREEN]]), label=1))
    assert packed['image'][:, 0, 0].tolist() == RED
