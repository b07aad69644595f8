import numpy as np
import pytest
from PIL import Image

from reacgan_plugin.data.class_folder import ClassFolder
from reacgan_plugin.data.loading import LoadImage, PackImage

PIPELINE = [LoadImage(), PackImage()]


def put(root, *files):
    """Images whose red level says how many were written before them."""
    for number, file in enumerate(files):
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((2, 2, 3), (number, 0, 0), dtype=np.uint8)
        Image.fromarray(pixels).save(path, format='PNG')  # read by content, not name


def red_levels(dataset):
    return [int(dataset[index]['image'][0, 0, 0]) for index in range(len(dataset))]


def test_classes_are_the_sorted_folders(tmp_path):
    put(tmp_path, 'dog/a.png', 'cat/b.png', 'cat/a.png')
    dataset = ClassFolder(tmp_path, pipeline=PIPELINE)
    assert dataset.classes == ['cat', 'dog']
    assert dataset.labels.tolist() == [0, 0, 1]
    assert red_levels(dataset) == [2, 1, 0]
    assert [dataset[index]['label'] for index in range(3)] == [0, 0, 1]


def test_all_published_extensions_are_read_in_any_case(tmp_path):
    names = 'a.jpg b.JPEG c.png d.webp e.bmp f.tif g.TIFF h.ppm i.gif j.JFIF k.jp2'
    put(tmp_path, *(f'cat/{name}' for name in names.split()))
    assert red_levels(ClassFolder(tmp_path, pipeline=PIPELINE)) == list(range(11))


def test_nested_files_count_and_hidden_or_other_ones_do_not(tmp_path):
    put(tmp_path, 'cat/deep/er/a.png', 'cat/.hidden.png', 'cat/.cache/a.png')
    put(tmp_path, '.git/a.png', 'top.png')
    (tmp_path / 'cat' / '.DS_Store').write_bytes(b'x')
    (tmp_path / 'cat' / 'notes.txt').write_text('x')
    dataset = ClassFolder(tmp_path, pipeline=PIPELINE)
    assert dataset.classes == ['cat']
    assert len(dataset) == 1


def test_listed_classes_decide_which_folders_and_in_what_order(tmp_path):
    put(tmp_path, 'a/1.png', 'b/1.png', 'c/1.png')
    dataset = ClassFolder(tmp_path, pipeline=PIPELINE, classes=['c', 'a'])
    assert dataset.classes == ['c', 'a']
    assert red_levels(dataset) == [2, 0]


def test_listed_classes_may_be_a_text_file(tmp_path):
    put(tmp_path, 'root/a/1.png', 'root/b/1.png', 'root/c/1.png')
    (tmp_path / 'names.txt').write_text('c\n\n a \n')
    dataset = ClassFolder(
        tmp_path / 'root', pipeline=PIPELINE, classes=str(tmp_path / 'names.txt')
    )
    assert dataset.classes == ['c', 'a']
    assert red_levels(dataset) == [2, 0]


@pytest.mark.parametrize('content, message', [
    (None, "cannot read '.*names.txt': No such file"),
    ('', 'the text file has no names'),
    ('cat\ncat\n', "'cat' comes twice"),
    ('cat\nowl\n', "no folder 'owl'"),
])  # fmt: skip
def test_a_text_file_of_classes_that_does_not_fit_is_named(tmp_path, content, message):
    put(tmp_path, 'root/cat/1.png')
    names = tmp_path / 'names.txt'
    if content is not None:
        names.write_text(content)
    with pytest.raises(ValueError, match=message):
        ClassFolder(tmp_path / 'root', pipeline=PIPELINE, classes=names)


NESTED = ('dogs/pug/1.png', 'dogs/hound/old/1.png', 'cat/1.png', 'dogs/1.png')


def test_nested_folders_are_classes_of_their_own_on_request(tmp_path):
    put(tmp_path, *NESTED, '.cache/x/1.png', 'top.png')
    dataset = ClassFolder(tmp_path, pipeline=PIPELINE, nested=True)
    assert dataset.classes == ['cat', 'dogs', 'dogs/hound/old', 'dogs/pug']
    assert dataset.labels.tolist() == [0, 1, 2, 3]
    assert red_levels(dataset) == [2, 3, 1, 0]
    assert ClassFolder(tmp_path, pipeline=PIPELINE).labels.tolist() == [0, 1, 1, 1]


def test_some_of_the_nested_classes_can_be_listed(tmp_path):
    put(tmp_path, *NESTED)
    wanted = ['dogs/pug', 'cat']
    dataset = ClassFolder(tmp_path, pipeline=PIPELINE, classes=wanted, nested=True)
    assert dataset.classes == wanted
    assert red_levels(dataset) == [0, 2]
    with pytest.raises(ValueError, match="no folder 'pug'.*did you mean"):
        ClassFolder(tmp_path, pipeline=PIPELINE, classes=['pug'], nested=True)
    with pytest.raises(ValueError, match="no folder 'dogs/../cat'"):
        ClassFolder(tmp_path, pipeline=PIPELINE, classes=['dogs/../cat'], nested=True)


def test_file_names_beyond_ascii_are_found(tmp_path):
    put(tmp_path, 'käfer/größe.png')
    assert red_levels(ClassFolder(str(tmp_path), pipeline=PIPELINE)) == [0]


def test_linked_class_folders_are_followed(tmp_path):
    put(tmp_path, 'store/1.png', 'root/dog/1.png')
    (tmp_path / 'root' / 'cat').symlink_to(tmp_path / 'store')
    assert ClassFolder(tmp_path / 'root', pipeline=PIPELINE).classes == ['cat', 'dog']


@pytest.mark.parametrize('data_root, message', [
    ('/no/such/folder', "'/no/such/folder' is not a folder"),
    ('', 'data_root is not set'),
    (None, 'data_root is not set'),
])  # fmt: skip
def test_a_missing_root_says_how_to_set_it(data_root, message):
    with pytest.raises(ValueError, match=message) as error:
        ClassFolder(data_root, pipeline=PIPELINE)
    assert 'train_dataloader.dataset.data_root=' in str(error.value)
    assert 'environment variable' in str(error.value)


def test_an_empty_class_folder_is_named(tmp_path):
    put(tmp_path, 'cat/1.png')
    (tmp_path / 'dog').mkdir()
    with pytest.raises(ValueError, match="class folder '.*dog' holds no image"):
        ClassFolder(tmp_path, pipeline=PIPELINE)
    dataset = ClassFolder(tmp_path, pipeline=PIPELINE, classes=['cat'])
    assert len(dataset) == 1


def test_images_without_class_folders_are_an_error(tmp_path):
    put(tmp_path, '1.png')
    with pytest.raises(ValueError, match='holds no class folder'):
        ClassFolder(tmp_path, pipeline=PIPELINE)


def test_an_unknown_class_comes_with_the_nearest_folder(tmp_path):
    put(tmp_path, 'cat/1.png', 'dog/1.png')
    with pytest.raises(ValueError, match="no folder 'cats'.*did you mean 'cat'"):
        ClassFolder(tmp_path, pipeline=PIPELINE, classes=['cats'])


def test_a_broken_image_is_named_when_it_is_read(tmp_path):
    put(tmp_path, 'cat/1.png')
    (tmp_path / 'cat' / '2.jpg').write_bytes(b'')
    with pytest.raises(ValueError, match='2.jpg'):
        ClassFolder(tmp_path, pipeline=PIPELINE)[1]
