import numpy as np
import pytest
from tiny_data import PIPELINE, pixels, put, read_back

from reacgan_plugin.data.checks import check_dataset
from reacgan_plugin.data.cub200 import CUB200, CropToBox
from reacgan_plugin.data.loading import LoadImage, PackImage

IMAGES = pixels(5)
CLASSES = [1, 2, 2, 1, 2]
IN_TRAIN = [1, 0, 1, 1, 0]
BOXES = [(1, 2, 3, 2), (0, 0, 5, 6), (2, 1, 9, 9), (1.5, 0, 1, 3), (0, 0, 1, 1)]
NAMES = ['001.Black_footed_Albatross', '002.Laysan_Albatross']
CROPPED = [LoadImage(), CropToBox(), PackImage()]


@pytest.fixture
def root(tmp_path):
    root = tmp_path / 'CUB_200_2011'
    files = [f'{NAMES[c - 1]}/bird_{row}.jpg' for row, c in enumerate(CLASSES)]
    for file, image in zip(files, IMAGES, strict=True):
        put(root / 'images' / file, image)
    lists = {
        'images': files,
        'image_class_labels': CLASSES,
        'train_test_split': IN_TRAIN,
        'bounding_boxes': [' '.join(map(str, box)) for box in BOXES],
        'classes': NAMES,
    }
    for name, rows in lists.items():
        lines = [f'{number} {row}' for number, row in enumerate(rows, 1)]
        (root / f'{name}.txt').write_text('\n'.join(lines) + '\n')
    return root


def opened(root, pipeline=PIPELINE, **options):
    return CUB200(root, pipeline=pipeline, **options)


@pytest.mark.parametrize('split, rows', [
    ('train', [0, 2, 3]), ('test', [1, 4]), ('all', [0, 1, 2, 3, 4])
])  # fmt: skip
def test_a_split_is_that_of_the_list(root, split, rows):
    dataset = opened(root, split=split)
    assert np.array_equal(read_back(dataset), IMAGES[rows])
    assert dataset.labels.tolist() == [CLASSES[row] - 1 for row in rows]
    assert dataset.classes == NAMES
    check_dataset(dataset, 2)


def test_the_folder_above_does_as_well(root):
    assert len(opened(root.parent, split='all')) == 5


def test_boxes_are_cut_out_as_far_as_they_lie_in_the_image(root):
    dataset = opened(root, CROPPED, split='all')
    expected = [
        IMAGES[0][2:4, 1:4],
        IMAGES[1],
        IMAGES[2][1:6, 2:5],
        IMAGES[3][0:3, 1:3],  # every pixel that it touches
        IMAGES[4][0:1, 0:1],
    ]
    for index, image in enumerate(expected):
        found = dataset[index]['image'].numpy().transpose(1, 2, 0)
        assert np.array_equal(found, image)


def test_the_size_after_a_crop_is_known_to_what_follows():
    results = dict(img=IMAGES[0], box=(1, 2, 3, 2))
    assert CropToBox().transform(results)['img_shape'] == (2, 3)


def test_a_box_outside_of_its_image_is_named(root):
    file = root / 'bounding_boxes.txt'
    file.write_text(file.read_text().replace('1 1 2 3 2', '1 40 2 3 2'))
    with pytest.raises(ValueError, match=r'box \(40.0.*bird_0.jpg.*\(6, 5\)'):
        opened(root, CROPPED)[0]


def test_an_item_without_a_box_is_an_error():
    with pytest.raises(ValueError, match="has no 'box'"):
        CropToBox().transform(dict(img=IMAGES[0]))


LISTS = ['images', 'image_class_labels', 'train_test_split', 'bounding_boxes']


@pytest.mark.parametrize('name', [*LISTS, 'classes'])
def test_a_missing_list_is_named(root, name):
    (root / f'{name}.txt').unlink()
    with pytest.raises(ValueError, match=f"cannot read '.*{name}.txt'"):
        opened(root)


@pytest.mark.parametrize('name', LISTS[1:])
def test_a_list_that_was_cut_is_named(root, name):
    file = root / f'{name}.txt'
    file.write_text(file.read_text()[: file.read_text().index('\n') + 1])
    with pytest.raises(ValueError, match=f'{name}.txt.* has no line for image 2'):
        opened(root)


def test_a_class_that_is_not_listed_is_named(root):
    file = root / 'classes.txt'
    file.write_text(file.read_text().splitlines()[0])
    with pytest.raises(ValueError, match="labels.txt': class '2' is not in classes"):
        opened(root)


def test_another_split_is_an_error(root):
    with pytest.raises(ValueError, match="split='val'"):
        opened(root, split='val')
