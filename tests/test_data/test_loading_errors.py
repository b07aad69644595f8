"""Files that are no image, not whole, or too large."""

import traceback
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from raw_png import raw_png

from reacgan_plugin.data.loading import BrokenImage, LoadImage


@pytest.fixture
def save(tmp_path):
    """Write pixels to a file and give its path."""

    def write(pixels, name='image.png'):
        Image.fromarray(np.array(pixels, dtype=np.uint8)).save(tmp_path / name)
        return str(tmp_path / name)

    return write


def loaded(path, **options):
    return LoadImage(**options)(dict(img_path=path))['img'].tolist()


def broken_files(folder):
    whole = folder / 'whole.jpg'
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(whole)
    (folder / 'truncated.jpg').write_bytes(whole.read_bytes()[:2000])
    (folder / 'empty.png').write_bytes(b'')
    (folder / 'text.png').write_text('no image')
    (folder / 'folder.png').mkdir()
    (folder / 'postscript.png').write_text('%!PS-Adobe-3.0 EPSF-3.0\n')


@pytest.mark.parametrize('name, reason', [
    ('truncated.jpg', 'image file is truncated'),
    ('empty.png', 'of no known format'),
    ('text.png', 'of no known format'),
    ('folder.png', 'Is a directory'),
    ('missing.png', 'No such file'),
    ('postscript.png', 'of no known format'),
])  # fmt: skip
def test_an_unreadable_file_is_named(tmp_path, name, reason):
    """R37."""
    broken_files(tmp_path)
    path = str(tmp_path / name)
    with pytest.raises(BrokenImage, match=f'cannot read the image .*{name}.*{reason}'):
        LoadImage()(dict(img_path=path))
    if name in ('truncated.jpg', 'empty.png', 'text.png'):
        content = Path(path).read_bytes()
        with pytest.raises(BrokenImage, match=f'{name}.*{reason}'):
            LoadImage()(dict(img_path=path, img_bytes=content))


def test_the_content_of_a_file_is_decoded_like_the_file(save):
    path = save([[[255, 0, 0], [1, 2, 3]]])
    content = Path(path).read_bytes()
    results = LoadImage()(dict(img_path='in/some.zip', img_bytes=content))
    assert results['img'].tolist() == loaded(path)


@pytest.mark.parametrize('limit', [11, 6, 5, 1])
@pytest.mark.parametrize('suffix', ['png', 'webp', 'gif', 'bmp', 'tif', 'ppm', 'jpg'])
@pytest.mark.filterwarnings('ignore::PIL.Image.DecompressionBombWarning')
def test_more_pixels_than_the_limit_are_refused_with_name_and_limit(
    save, suffix, limit
):
    path = save(np.zeros((3, 4), dtype=np.uint8), f'bomb.{suffix}')
    assert len(loaded(path, max_pixels=12)) == 3
    with pytest.raises(
        BrokenImage,
        match=rf'bomb.{suffix}.*(12|4 x 3) pix.*LoadImage\.max_pixels={limit}',
    ):
        loaded(path, max_pixels=limit)


def test_an_image_bomb_is_refused_before_it_is_decoded(tmp_path):
    path = tmp_path / 'bomb.png'
    pixel = np.zeros((1, 1, 3), dtype=np.uint16)
    path.write_bytes(raw_png(pixel, claimed=(50_000, 50_000)))
    with pytest.raises(BrokenImage, match='bomb.png.*2500000000 pixels.*100000000'):
        loaded(path)


@pytest.mark.filterwarnings('ignore::PIL.Image.DecompressionBombWarning')
def test_the_limit_of_pillow_itself_stays(save):
    before = Image.MAX_IMAGE_PIXELS
    loaded(save([[0]]), max_pixels=1)
    with pytest.raises(BrokenImage):
        loaded(save([[0, 0]]), max_pixels=1)
    assert Image.MAX_IMAGE_PIXELS == before


def test_a_workers_traceback_is_no_part_of_the_reason():
    try:
        raise BrokenImage("cannot read the image 'a: b.png': no")
    except BrokenImage as error:
        trace = traceback.format_exc()
        assert error.reason == str(error)
    handed_on = BrokenImage(f'Caught BrokenImage in DataLoader worker 0.\n{trace}')
    assert handed_on.reason == "cannot read the image 'a: b.png': no"
