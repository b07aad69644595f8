"""A run that meets a broken file: it ends with its name and a checkpoint, on all ranks
alike, or goes on without it where that is asked for."""

import re

import numpy as np
import pytest
import torch
from broken_file_worker import write_data
from forks import run_forks
from PIL import Image
from tiny_runs import ROOT, arguments

from reacgan_plugin import train
from reacgan_plugin.data import skip_broken
from reacgan_plugin.data.class_folder import ClassFolder
from reacgan_plugin.data.loading import BrokenImage, LoadImage, PackImage
from reacgan_plugin.data.skip_broken import SkipBroken

PIPELINE = [LoadImage(), PackImage()]


def ranks(kind, folder) -> list[list[str]]:
    """What two ranks said, and as the last line the exit code of each."""
    assert run_forks('broken_file_worker.py', kind, folder=folder, timeout=300) == 0
    said = [(folder / f'{rank}.txt').read_text().splitlines() for rank in range(2)]
    assert max(float(lines[-2]) for lines in said) < 60
    return said


def test_a_file_that_one_rank_meets_broken_ends_both_alike(tmp_path):
    """R37."""
    for lines in ranks('stop', tmp_path):
        *_, message, _, _, code = lines
        assert code == '2'
        assert message.startswith('error: cannot read the image ')
        assert '5/1.png' in message
        assert message.endswith(f'2, saved {tmp_path}/work/iter_2.pth')
    saved = torch.load(tmp_path / 'work' / 'iter_2.pth', weights_only=True)
    assert saved['meta']['iter'] == 2


@pytest.mark.slow
def test_two_ranks_skip_a_file_that_one_meets_broken_and_end_equal(tmp_path):
    """R37."""
    codes = [lines[-1] for lines in ranks('skip', tmp_path)]
    assert codes == ['0', '0']
    first, second = (torch.load(tmp_path / 'work' / f'rank{r}.pt') for r in range(2))
    for name, value in first['state'].items():
        assert torch.equal(value, second['state'][name]), name


@pytest.mark.parametrize('workers', [0, 1])
def test_one_process_ends_with_a_checkpoint_to_go_on_from(
    tmp_path, workers, monkeypatch, capsys
):
    """R37."""
    monkeypatch.setenv('BROKEN_FILE_DATA', str(tmp_path / 'data'))
    write_data(tmp_path / 'data')
    config = str(ROOT / 'tests' / 'configs' / 'broken_file.py')
    words = arguments(tmp_path / 'work', train_dataloader__num_workers=workers)
    assert train.run([config, *words[1:]]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith('error: cannot read the image ')
    assert said.endswith(f'iteration 2, saved {tmp_path}/work/iter_2.pth')
    Image.new('L', (8, 8)).save(tmp_path / 'data' / '5' / '1.png')
    resume = [words[1], words[2], '--resume', *words[3:]]
    assert train.run([config, *resume]) == 0
    assert (tmp_path / 'work' / 'iter_4.pth').is_file()


@pytest.fixture
def folder(tmp_path):
    """One class of five images, red from 0 to 4, and one of two."""

    def write(*broken):
        for index in range(7):
            path = tmp_path / 'ab'[index // 5] / f'{index}.png'
            path.parent.mkdir(exist_ok=True)
            Image.new('RGB', (2, 2), (index, 0, 0)).save(path)
            if index in broken:
                path.write_bytes(b'')
        return ClassFolder(tmp_path, pipeline=PIPELINE)

    return write


def reds(dataset) -> list[int]:
    return [int(dataset[index]['image'][0, 0, 0]) for index in range(len(dataset))]


def test_the_next_of_its_class_stands_in_for_a_broken_image(folder):
    dataset = SkipBroken(folder(1, 2, 4, 5))
    assert reds(dataset) == [0, 3, 3, 3, 0, 6, 6]
    assert [dataset[i]['label'] for i in range(7)] == dataset.labels.tolist()
    assert int(dataset[-3]['image'][0, 0, 0]) == 0  # counted from the end


def test_who_stands_in_does_not_depend_on_what_was_met_before(folder):
    whole = folder(1, 2, 4, 5)
    backwards = SkipBroken(whole)
    found = [int(backwards[index]['image'][0, 0, 0]) for index in reversed(range(7))]
    assert found[::-1] == reds(SkipBroken(whole))


def test_a_broken_file_is_named_once_by_every_process(folder, monkeypatch):
    said = []
    monkeypatch.setattr(skip_broken, 'print_log', lambda *args, **_: said.append(args))
    dataset = SkipBroken(folder(1))
    for _ in range(3):
        dataset[1]
    ((message,),) = said
    assert re.fullmatch("left out: cannot read the image '.*a/1.png': .*", message)


@pytest.mark.parametrize('tries, others', [(10, 4), (3, 2), (1, 0)])
def test_when_all_are_bad_the_first_is_named_after_so_many_tries(folder, tries, others):
    """R37: no endless retry."""
    dataset = SkipBroken(folder(0, 1, 2, 3, 4), tries=tries)
    message = f"'.*/2.png': .*; nor do the {others} images of its class"
    for _ in range(2):
        with pytest.raises(BrokenImage, match=message):
            dataset[2]


def test_other_errors_pass(folder):
    dataset = folder()
    dataset.pipeline = [LoadImage(), PackImage(), PackImage()]
    with pytest.raises(KeyError):
        SkipBroken(dataset)[0]


def test_classes_and_length_are_the_data_sets_own(folder):
    dataset = SkipBroken(folder())
    assert (len(dataset), dataset.classes, dataset.num_classes) == (7, ['a', 'b'], 2)


def test_labels_are_needed_and_tries_are_counted(folder):
    with pytest.raises(ValueError, match='tries=0 is out of range'):
        SkipBroken(folder(), tries=0)
    with pytest.raises(ValueError, match='list has no labels'):
        SkipBroken([np.zeros(1)])
