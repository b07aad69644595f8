import json

import pytest
from PIL import Image
from tiny_runs import arguments
from written_runs import write_run

from reacgan_plugin import plot, train
from reacgan_plugin.checkpoint import read_checkpoint, write_checkpoint


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained') / 'run'
    assert train.run(arguments(folder, train_cfg__max_iters=2)) == 0
    return folder


def test_a_run_gets_curves_maps_and_a_page(trained, tmp_path, capsys):
    words = [str(trained), '--out', str(tmp_path), '--map', 'pca', 'tsne']
    assert plot.run([*words, '--images', '40']) == 0
    names = ('curves.png', 'embeddings_pca.png', 'embeddings_tsne.png', 'report.html')
    files = [tmp_path / 'run' / name for name in names]
    assert capsys.readouterr().out.split() == list(map(str, files))
    assert all(min(Image.open(file).size) > 100 for file in files[:3])
    page = files[3].read_text()
    assert 'embeddings and proxies of 40 real images, t-SNE' in page
    assert page.count('<img') >= 6
    assert sorted(path.name for path in tmp_path.glob('*/*')) == sorted(names)


def test_several_runs_share_a_page_of_curves(trained, tmp_path, capsys):
    other = write_run(tmp_path / 'other')
    out = tmp_path / 'out'
    words = [str(trained), str(other), '--out', str(out), '--map']
    assert plot.run(words) == 0
    assert {path.name for path in out.iterdir()} == {'curves.png', 'run', 'other'}
    assert not list(out.glob('*/embeddings*'))
    assert capsys.readouterr().err == ''


def test_a_map_that_cannot_be_drawn_is_one_line_and_the_rest_is_there(
    trained, tmp_path, capsys
):
    checkpoint = read_checkpoint(trained / 'iter_2.pth')
    config = checkpoint['meta']['config'].replace('"test"', '"gone"')
    checkpoint['meta']['config'] = config
    (tmp_path / 'run').mkdir()
    write_checkpoint(checkpoint, tmp_path / 'run' / 'iter_2.pth')
    assert plot.run([str(tmp_path / 'run'), '--out', str(tmp_path / 'out')]) == 0
    error = capsys.readouterr().err
    assert error.startswith("run: no map of embeddings: split='gone' is not known")
    assert error.count('\n') == 1
    assert (tmp_path / 'out' / 'run' / 'report.html').is_file()


def test_a_broken_checkpoint_costs_the_map_alone(tmp_path, capsys):
    run = write_run(tmp_path / 'run')
    whole = (run / 'iter_40.pth').read_bytes()
    (run / 'iter_40.pth').write_bytes(whole[: len(whole) // 2])
    assert plot.run([str(run), '--out', str(tmp_path / 'out')]) == 0
    error = capsys.readouterr().err
    assert error.startswith('run: no map of embeddings') and error.count('\n') == 1
    page = (tmp_path / 'out' / 'run' / 'report.html').read_text()
    assert 'iter_40.pth is broken' in page and 'val/FID' in page


def test_a_config_without_data_has_no_map(trained, tmp_path, capsys):
    checkpoint = read_checkpoint(trained / 'iter_2.pth')
    config = json.loads(checkpoint['meta']['config'])
    config.update(held_out=None, train_dataloader=None)
    checkpoint['meta']['config'] = json.dumps(config)
    (tmp_path / 'run').mkdir()
    write_checkpoint(checkpoint, tmp_path / 'run' / 'iter_2.pth')
    assert plot.run([str(tmp_path / 'run'), '--out', str(tmp_path / 'out')]) == 0
    assert 'the config has no data set' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'run' / 'report.html').is_file()


def test_a_folder_that_is_none_of_a_run_is_one_line(tmp_path, capsys):
    assert plot.run([str(tmp_path), '--out', str(tmp_path)]) == 2
    assert 'error: run' in capsys.readouterr().err
    assert plot.run([str(tmp_path / 'nowhere')]) == 2
    assert 'nowhere is no folder' in capsys.readouterr().err


@pytest.mark.parametrize('words', [['--images', '4'], ['--map', 'umap'], []])
def test_a_command_that_makes_no_sense_is_refused(words):
    with pytest.raises(SystemExit):
        plot.run(words)
