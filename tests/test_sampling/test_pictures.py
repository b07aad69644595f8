import pytest
import torch
from PIL import Image

from reacgan_plugin.sampling.pictures import save_animation, save_picture, tiled


def plain(*levels):
    """Images of 2 x 3, each of one level."""
    return torch.stack([torch.full((3, 2, 3), v, dtype=torch.uint8) for v in levels])


def test_tiles_stand_row_by_row_between_black_lines():
    picture = tiled(plain(10, 20, 30), columns=2)[0]
    expected = [
        [0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 10, 10, 10, 0, 20, 20, 20, 0],
        [0, 10, 10, 10, 0, 20, 20, 20, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 30, 30, 30, 0, 0, 0, 0, 0],
        [0, 30, 30, 30, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    assert picture.tolist() == expected


@pytest.mark.parametrize(
    'count, columns, rows', [(1, 1, 1), (2, 2, 1), (5, 3, 2), (9, 3, 3), (10, 4, 3)]
)
def test_without_columns_a_picture_is_about_square(count, columns, rows):
    picture = tiled(plain(*range(count)))
    assert picture.shape == (3, rows * 3 + 1, columns * 4 + 1)


def test_a_picture_has_the_colours_of_the_images(tmp_path):
    """R16: in a saved sample."""
    image = torch.tensor([255, 7, 0], dtype=torch.uint8)[:, None, None].expand(3, 2, 3)
    save_picture(image[None], tmp_path / 'new' / 'x.png')
    with Image.open(tmp_path / 'new' / 'x.png') as written:
        assert written.mode == 'RGB' and written.size == (5, 4)
        assert written.getpixel((1, 1)) == (255, 7, 0)


def test_an_animation_has_a_frame_for_each_step_and_repeats(tmp_path):
    frames = torch.stack([plain(0, 100, 200), plain(250, 150, 50)])
    save_animation(frames, tmp_path / 'x.gif', milliseconds=40)
    with Image.open(tmp_path / 'x.gif') as written:
        assert written.n_frames == 3 and written.info['loop'] == 0
        assert written.size == (2 * 4 + 1, 4)
        for place, levels in enumerate([(0, 250), (100, 150), (200, 50)]):
            written.seek(place)
            assert written.info['duration'] == 40
            frame = written.convert('RGB')
            assert [frame.getpixel((x, 1))[0] for x in (1, 5)] == list(levels)
