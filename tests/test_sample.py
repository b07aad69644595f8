import pytest
import torch
from PIL import Image
from tiny_runs import arguments

from reacgan_plugin import sample, train


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp('run')
    assert train.run(arguments(folder, train_cfg__max_iters=1)) == 0
    return str(folder / 'iter_1.pth')


def test_samples_of_a_class_make_one_picture(checkpoint, tmp_path):
    out = tmp_path / 'new' / 'x.png'
    words = [checkpoint, '--class', '3', '--num', '16', '--out', str(out)]
    assert sample.run(words) == 0
    assert Image.open(out).size == (4 * 33 + 1, 4 * 33 + 1)


def test_without_a_class_there_is_a_row_for_each(checkpoint, tmp_path):
    out = tmp_path / 'x.png'
    assert sample.run([checkpoint, '--num', '2', '--out', str(out)]) == 0
    assert Image.open(out).size == (2 * 33 + 1, 10 * 33 + 1)


def test_the_seed_decides_the_picture(checkpoint, tmp_path):
    pictures = []
    for seed in ('1', '1', '2'):
        out = tmp_path / f'{len(pictures)}.png'
        words = [checkpoint, '--class', '3', '--num', '2', '--seed', seed]
        assert sample.run([*words, '--out', str(out)]) == 0
        pictures.append(out.read_bytes())
    assert pictures[0] == pictures[1] != pictures[2]


def test_truncation_makes_another_picture_of_the_same_seed(checkpoint, tmp_path):
    pictures = []
    for words in ([], ['--truncation', '0.1'], ['--truncation', '0.1']):
        out = tmp_path / f'{len(pictures)}.png'
        assert sample.run([checkpoint, '--num', '1', *words, '--out', str(out)]) == 0
        pictures.append(out.read_bytes())
    assert pictures[0] != pictures[1] == pictures[2]


@pytest.mark.parametrize('text', ['0', '-1', 'psi', 'nan', 'inf'])
def test_a_truncation_that_is_no_number_above_zero_is_refused(text, capsys):
    with pytest.raises(SystemExit):
        sample.parse_arguments(['x.pth', '--truncation', text])
    assert f"'{text}'; allowed: a number above 0" in capsys.readouterr().err


def test_samples_come_from_the_averaged_weights(checkpoint):
    model, names = sample.load_model(checkpoint)
    z, label = torch.randn(2, model.generator.z_dim), torch.tensor([1, 2])
    assert torch.equal(model(z, label), model.generator_ema(z, label))
    assert names == [str(digit) for digit in range(10)]


def test_a_class_that_does_not_exist_is_an_error_that_names_what_does(
    checkpoint, capsys
):
    assert sample.run([checkpoint, '--class', '11']) == 2
    assert "class '11' does not exist; allowed: 0..9" in capsys.readouterr().err


def test_classes_go_by_name_before_number():
    assert sample.class_indices(['cat', '1'], ['dog', 'cat'], 2) == [1, 1]
    with pytest.raises(ValueError, match="did you mean 'cat'"):
        sample.class_indices(['cats'], ['dog', 'cat'], 2)


def test_a_checkpoint_that_would_execute_code_is_refused(tmp_path, capsys):
    path = tmp_path / 'bad.pth'
    torch.save({'meta': print}, path)
    assert sample.run([str(path)]) == 2
    assert 'would execute' in capsys.readouterr().err


def test_a_checkpoint_that_is_not_there_is_named(capsys):
    assert sample.run(['nowhere.pth']) == 2
    assert 'nowhere.pth does not exist' in capsys.readouterr().err
