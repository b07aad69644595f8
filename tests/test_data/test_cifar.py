import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from reacgan_plugin.data.cifar import CIFAR10, CIFAR100
from reacgan_plugin.data.loading import PackImage

PER_FILE = 3
TRAIN_FILES = [f'data_batch_{part}' for part in range(1, 6)]
TEN_NAMES = [f'name_{label}' for label in range(10)]
HUNDRED_NAMES = [f'fine_{label}' for label in range(100)]


def rows(seed):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (PER_FILE, 3072), dtype=np.uint8)


def labels(seed, highest=10):
    return np.random.default_rng(100 + seed).integers(0, highest, PER_FILE)


def python_two_pickle(batch):
    """As Python 2 wrote them: byte strings for every text, array states included."""

    class Writer(pickle._Pickler):
        dispatch = dict(pickle._Pickler.dispatch)

        def save_text(self, text):
            content = text.encode() if isinstance(text, str) else text
            self.write(pickle.BINSTRING + len(content).to_bytes(4, 'little') + content)
            self.memoize(text)

        dispatch[str] = dispatch[bytes] = save_text

    stream = io.BytesIO()
    Writer(stream, protocol=2).dump(batch)
    return stream.getvalue()


def binary_files(label_columns):
    def batch(seed):
        columns = label_columns(seed)
        return np.hstack([columns.astype(np.uint8), rows(seed)]).tobytes()

    return batch


def ten_binary():
    batch = binary_files(lambda seed: labels(seed)[:, None])
    files = {f'{name}.bin': batch(seed) for seed, name in enumerate(TRAIN_FILES)}
    files['test_batch.bin'] = batch(9)
    files['batches.meta.txt'] = '\n'.join(TEN_NAMES + ['']).encode()
    return 'cifar-10-batches-bin', 'cifar-10-binary.tar.gz', files


def ten_python(write=python_two_pickle):
    def batch(seed):
        return write({'data': rows(seed), 'labels': labels(seed).tolist()})

    files = {name: batch(seed) for seed, name in enumerate(TRAIN_FILES)}
    files['test_batch'] = batch(9)
    files['batches.meta'] = write({'label_names': TEN_NAMES})
    return 'cifar-10-batches-py', 'cifar-10-python.tar.gz', files


def ten_python_of_today():
    return ten_python(pickle.dumps)


def hundred_binary():
    def two_columns(seed):
        return np.stack([np.full(PER_FILE, 99), labels(seed, 100)], axis=1)

    batch = binary_files(two_columns)
    names = '\n'.join(HUNDRED_NAMES).encode()
    files = {'train.bin': batch(0), 'test.bin': batch(9), 'fine_label_names.txt': names}
    return 'cifar-100-binary', 'cifar-100-binary.tar.gz', files


def hundred_python():
    def batch(seed):
        fine = labels(seed, 100).tolist()
        content = {'data': rows(seed), 'fine_labels': fine, 'coarse_labels': [0] * 3}
        return python_two_pickle(content)

    names = {'fine_label_names': HUNDRED_NAMES, 'coarse_label_names': ['x']}
    files = {'train': batch(0), 'test': batch(9), 'meta': python_two_pickle(names)}
    return 'cifar-100-python', 'cifar-100-python.tar.gz', files


def unpack(root, published):
    folder, _, files = published
    (root / folder).mkdir()
    for name, content in files.items():
        (root / folder / name).write_bytes(content)
    return root


def pack(root, published):
    folder, archive, files = published
    with tarfile.open(root / archive, 'w:gz') as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f'{folder}/{name}')
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return root


def read(kind, root, split='train'):
    return kind(root, split=split, pipeline=[PackImage()])


@pytest.mark.parametrize('put', [unpack, pack])
@pytest.mark.parametrize('published', [ten_binary, ten_python, ten_python_of_today])
def test_cifar10_is_read_in_every_published_form(tmp_path, published, put):
    train = read(CIFAR10, put(tmp_path, published()))
    assert len(train) == 5 * PER_FILE
    assert train.classes == TEN_NAMES
    expected = np.concatenate([rows(seed) for seed in range(5)])
    stored = np.stack([train[index]['image'].numpy().ravel() for index in range(15)])
    assert np.array_equal(stored, expected)
    assert np.array_equal(train.labels, np.ravel([labels(seed) for seed in range(5)]))
    test = read(CIFAR10, tmp_path, 'test')
    assert np.array_equal(test[0]['image'].numpy().ravel(), rows(9)[0])


@pytest.mark.parametrize('put', [unpack, pack])
@pytest.mark.parametrize('published', [hundred_binary, hundred_python])
def test_cifar100_has_the_fine_labels(tmp_path, published, put):
    train = read(CIFAR100, put(tmp_path, published()))
    assert train.classes == HUNDRED_NAMES
    assert train.labels.tolist() == labels(0, 100).tolist()
    assert np.array_equal(train[1]['image'].numpy().ravel(), rows(0)[1])


def test_colours_come_out_in_rgb_order(tmp_path):
    folder, archive, files = ten_binary()
    red = bytes([0]) + bytes([255]) * 1024 + bytes([0]) * 2048
    files['test_batch.bin'] = red
    image = read(CIFAR10, unpack(tmp_path, (folder, archive, files)), 'test').images[0]
    assert np.array_equal(image, np.full((32, 32, 3), [255, 0, 0]))


def test_the_unpacked_folder_itself_may_be_the_root(tmp_path):
    unpack(tmp_path, ten_binary())
    assert len(read(CIFAR10, tmp_path / 'cifar-10-batches-bin')) == 15


def test_an_archive_is_read_without_unpacking_it(tmp_path):
    pack(tmp_path, ten_python())
    read(CIFAR10, tmp_path)
    assert os.listdir(tmp_path) == ['cifar-10-python.tar.gz']


@pytest.mark.parametrize('root', ['/no/such/folder', '', None])
def test_missing_files_say_what_was_looked_for_and_where_it_is(root):
    with pytest.raises(ValueError, match='CIFAR10: data_root=') as error:
        read(CIFAR10, root)
    for words in ('cifar-10-batches-bin/', 'cifar-10-batches-py/',
                  'cifar-10-python.tar.gz', 'CIFAR page of the University of Toronto',
                  'train_dataloader.dataset.data_root='):  # fmt: skip
        assert words in str(error.value)


def test_a_damaged_binary_file_is_named(tmp_path):
    unpack(tmp_path, ten_binary())
    path = tmp_path / 'cifar-10-batches-bin' / 'data_batch_3.bin'
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match='data_batch_3.bin: 9,218 bytes'):
        read(CIFAR10, tmp_path)


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Harm:
        def __reduce__(self):
            return os.system, ('true',)

    folder, archive, files = ten_python()
    files['data_batch_2'] = pickle.dumps({'data': Harm()})
    with pytest.raises(ValueError, match='data_batch_2: refused.*is not allowed'):
        read(CIFAR10, unpack(tmp_path, (folder, archive, files)))


@pytest.mark.parametrize('batch, message', [
    ({'data': np.zeros((2, 3072), np.uint8)}, 'expected data and labels, found data'),
    ({'data': np.zeros((2, 9), np.uint8), 'labels': [0, 1]}, r'uint8 \(2, 9\)'),
    ({'data': np.zeros((2, 3072)), 'labels': [0, 1]}, 'float64'),
    ([1, 2], 'expected a dict, found list'),
])  # fmt: skip
def test_a_pickle_of_something_else_is_named(tmp_path, batch, message):
    folder, archive, files = ten_python()
    files['test_batch'] = pickle.dumps(batch)
    unpack(tmp_path, (folder, archive, files))
    with pytest.raises(ValueError, match=f'test_batch: .*{message}'):
        read(CIFAR10, tmp_path, 'test')


def test_damaged_and_incomplete_archives_are_named(tmp_path):
    folder, archive, files = ten_binary()
    del files['data_batch_2.bin']
    pack(tmp_path, (folder, archive, files))
    with pytest.raises(ValueError, match='binary.tar.gz.* lacks data_batch_2.bin'):
        read(CIFAR10, tmp_path)
    whole = (tmp_path / archive).read_bytes()
    (tmp_path / archive).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match='cannot read .*cifar-10-binary.tar.gz'):
        read(CIFAR10, tmp_path)


def test_other_splits_say_what_is_allowed(tmp_path):
    with pytest.raises(ValueError, match="split='val' is not known; allowed: 'train'"):
        read(CIFAR10, tmp_path, 'val')
