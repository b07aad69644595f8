"""Stopped at any time, started again: the same result, and nothing lost on the way."""

import errno
import os
import random
import shutil
import signal
import time

import pytest
from PIL import Image
from prepared_files import contents, write_source

from reacgan_plugin.preparing import formats
from reacgan_plugin.preparing.formats import Archive, ImageTree, Shards
from reacgan_plugin.preparing.recipe import Recipe
from reacgan_plugin.preparing.sources import opened
from reacgan_plugin.preparing.work import prepare


def small(kind, per_chunk=4):
    """A form with many chunks."""

    def make():
        form = kind(per_chunk)
        form.per_chunk = per_chunk
        return form

    return make


FORMS = {
    'zip': small(lambda _: Archive()),
    'folder': small(lambda _: ImageTree()),
    'wds': small(Shards),
}
KILLS = [
    pytest.param(3, 0, id='3'),
    pytest.param(30, 0, id='30', marks=pytest.mark.slow),
    pytest.param(30, 2, id='30, two workers', marks=pytest.mark.slow),
]


@pytest.fixture
def photos(tmp_path):
    return write_source(tmp_path / 'photos')


@pytest.fixture
def run(photos, tmp_path):
    """Prepare the photos; returns what the tool says."""

    def go(name, out='out', size=8, **options):
        return prepare(
            opened(str(photos)),
            tmp_path / out,
            recipe=Recipe(size),
            form=FORMS[name](),
            **options,
        )

    return go


def left(tmp_path) -> set[str]:
    """What is in the folder beside the source."""
    return {path.name for path in tmp_path.iterdir()} - {'photos'}


def killed(work, seconds: float) -> bool:
    """Run it in a process that is killed after some time, if it still runs then."""
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize('kills, workers', KILLS)
@pytest.mark.parametrize('name', FORMS)
def test_killed_at_any_time_it_goes_on_to_the_same_bytes(
    run, tmp_path, name, kills, workers
):
    started = time.time()
    run(name, 'whole')
    whole = contents(tmp_path / 'whole')
    longest, rng = time.time() - started, random.Random(0)
    happened = 0
    for _ in range(10 * kills):
        seconds = rng.uniform(0, longest)
        if killed(lambda: run(name, workers=workers), seconds):
            happened += 1
        elif (tmp_path / 'out').exists():
            assert contents(tmp_path / 'out') == whole
            (shutil.rmtree if name != 'zip' else os.remove)(tmp_path / 'out')
        if happened >= kills:
            break
    assert happened >= kills
    run(name)
    assert contents(tmp_path / 'out') == whole
    assert left(tmp_path) == {'out', 'whole'}


@pytest.mark.parametrize('name', FORMS)
def test_what_is_done_is_not_done_again(run, tmp_path, name, monkeypatch):
    interrupt_after(4, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(name)
    monkeypatch.undo()
    assert not (tmp_path / 'out').exists()
    written = []
    write = FORMS[name]().write
    monkeypatch.setattr(
        type(FORMS[name]()),
        'write',
        lambda self, work, chunk, samples: (
            written.append(chunk),
            write(work, chunk, samples),
        ),
    )
    run(name)
    assert written == [3, 4, 5]


def interrupt_after(chunks, monkeypatch):
    """When the mark of that chunk is about to be written."""
    replaced, marks = formats.replaced, []

    def interrupting(work, name):
        marks.append(name) if name.endswith('.done') else None
        if len(marks) == chunks:
            raise KeyboardInterrupt
        return replaced(work, name)

    monkeypatch.setattr('reacgan_plugin.preparing.work.replaced', interrupting)


@pytest.mark.parametrize('name', FORMS)
def test_files_that_were_half_written_do_not_count(run, tmp_path, name, monkeypatch):
    run(name, 'whole')
    interrupt_after(3, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(name)
    monkeypatch.undo()
    work = tmp_path / 'out.preparing'
    (work / '12345.partial').write_bytes(b'half')
    for path in work.rglob('*'):  # of the chunk that was not marked as done
        if (
            path.suffix in ('.png', '.zip', '.tar')
            and path.stat().st_mtime_ns >= (work / '1.done').stat().st_mtime_ns
        ):
            path.write_bytes(path.read_bytes()[:20])
    run(name)
    assert contents(tmp_path / 'out') == contents(tmp_path / 'whole')


@pytest.mark.parametrize('workers', [0, 1])
@pytest.mark.parametrize('name', FORMS)
def test_a_full_disk_is_one_line_and_what_was_done_stays(
    run, tmp_path, name, workers, monkeypatch
):
    run(name, 'whole')
    kind, write = type(FORMS[name]()), FORMS[name]().write

    def full(self, work, chunk, samples):
        if chunk == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(work, chunk, samples)

    monkeypatch.setattr(kind, 'write', full)
    message = r'^cannot write to .*out.preparing: No space left on device; run it again'
    with pytest.raises(ValueError, match=message):
        run(name, workers=workers)
    assert not (tmp_path / 'out').exists()
    assert (tmp_path / 'out.preparing' / '1.done').is_file()
    monkeypatch.undo()
    run(name)
    assert contents(tmp_path / 'out') == contents(tmp_path / 'whole')


@pytest.mark.parametrize('name', FORMS)
def test_a_finished_result_stays_as_it_is(run, tmp_path, name):
    run(name)
    before = contents(tmp_path / 'out')
    (tmp_path / 'out.preparing').mkdir()  # the end of the run before was killed
    assert 'is there already, prepared in the same way' in run(name)
    assert contents(tmp_path / 'out') == before
    assert left(tmp_path) == {'out'}


@pytest.mark.parametrize('name', FORMS)
def test_results_and_work_of_other_settings_are_left_alone(
    run, tmp_path, name, monkeypatch
):
    run(name)
    before = contents(tmp_path / 'out')
    with pytest.raises(ValueError, match='out is there already.*size 8, now 16'):
        run(name, size=16)
    assert contents(tmp_path / 'out') == before
    interrupt_after(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run(name, 'other')
    monkeypatch.undo()
    begun = contents(tmp_path / 'other.preparing')
    with pytest.raises(ValueError, match='was begun otherwise .size 8, now 16'):
        run(name, 'other', size=16)
    assert contents(tmp_path / 'other.preparing') == begun


def test_other_images_of_the_same_number_are_another_source(run, tmp_path, photos):
    run('folder')
    (photos / 'cat' / '0.png').rename(photos / 'cat' / 'other.png')
    with pytest.raises(ValueError, match='prepared otherwise .from another source'):
        run('folder')


@pytest.mark.parametrize('place', ['out', 'out/some.txt', 'out.preparing/some.txt'])
def test_files_that_it_did_not_write_are_left_alone(run, tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text('dear')
    before = left(tmp_path)
    with pytest.raises(ValueError, match='not written by this tool|are not ours'):
        run('folder')
    assert path.read_text() == 'dear'
    assert left(tmp_path) == before


def test_an_empty_folder_is_filled(run, tmp_path):
    (tmp_path / 'out').mkdir()
    run('folder')
    assert (tmp_path / 'out' / 'dataset.json').is_file()


def broken(photos, *names):
    for name in names:
        (photos / name).write_bytes((photos / name).read_bytes()[:40])


@pytest.mark.parametrize('workers', [0, 2])
def test_a_broken_image_stops_it_and_once_repaired_it_goes_on(
    run, tmp_path, photos, workers
):
    run('folder', 'whole')
    good = (photos / 'dog/0.png').read_bytes()
    broken(photos, 'dog/0.png')
    message = '^cannot read the image .*dog/0.png.*; repair it .* --skip-broken$'
    with pytest.raises(ValueError, match=message):
        run('folder', workers=workers)
    (photos / 'dog/0.png').write_bytes(good)
    run('folder')
    assert contents(tmp_path / 'out') == contents(tmp_path / 'whole')


@pytest.mark.parametrize('name', FORMS)
def test_broken_images_are_left_out_and_listed(run, tmp_path, photos, name):
    broken(photos, 'dog/0.png', 'owl/8.png')
    with pytest.raises(ValueError):
        run(name)
    said = run(name, skip_broken=True)
    assert said.startswith(f'19 images in {tmp_path}/out; 2 broken ones are listed in ')
    listed = (tmp_path / 'out.broken.txt').read_text().splitlines()
    assert ['dog/0.png' in listed[0], 'owl/8.png' in listed[1]] == [True, True]
    assert len(listed) == 2
    assert left(tmp_path) == {'out', 'out.broken.txt'}
    assert len(opened(str(tmp_path / 'out'))) == 19 if name != 'zip' else True


def test_what_an_earlier_run_left_out_counts_too(run, tmp_path, photos, monkeypatch):
    broken(photos, 'cat/0.png', 'owl/8.png')
    interrupt_after(4, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run('folder', skip_broken=True)
    monkeypatch.undo()
    with pytest.raises(ValueError, match='cat/0.png'):
        run('folder')
    run('folder', skip_broken=True)
    assert len((tmp_path / 'out.broken.txt').read_text().splitlines()) == 2


def test_a_class_without_an_image_that_loads_is_named(run, photos):
    for path in (photos / 'dog').rglob('*.png'):
        path.write_bytes(b'')
    with pytest.raises(ValueError, match='no image loads of the class dog'):
        run('folder', skip_broken=True)


def test_nothing_half_done_is_seen_under_the_name_of_the_result(run, tmp_path):
    seen = []

    def watched(chunks, images):
        for chunk in chunks:
            seen.append((tmp_path / 'out').exists())
            yield chunk

    run('folder', shown=watched)
    assert seen == [False] * 6
    assert Image.open(tmp_path / 'out/cat/img00000000.png').size == (8, 8)
