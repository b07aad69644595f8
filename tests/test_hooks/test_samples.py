import numpy as np
import pytest
import torch
from PIL import Image
from tiny_runs import arguments, same_state

from reacgan_plugin.checkpoint import read_checkpoint
from reacgan_plugin.config import load_config
from reacgan_plugin.evaluation.quantise import to_uint8
from reacgan_plugin.evaluation.sampling import draw_z, generate
from reacgan_plugin.hooks import SampleGridHook
from reacgan_plugin.registry import MODELS, build
from reacgan_plugin.sample import load_model
from reacgan_plugin.train import parse_arguments, run


class FakeRunner:
    iter = 4

    def __init__(self, work_dir):
        options = parse_arguments(arguments(work_dir))
        config, _ = load_config(options.config, options.cfg_options)
        self.work_dir, self.model = str(work_dir), build(MODELS, config.model)

    def class_names(self):
        return [f'digit {number}' for number in range(10)]


@pytest.fixture
def runner(tmp_path):
    return FakeRunner(tmp_path)


def test_grid_has_one_row_a_class_of_the_averaged_generator(runner, tmp_path):
    """R11: and not of the raw one."""
    with torch.no_grad():  # make the average tell itself from the raw generator
        for parameter in runner.model.generator_ema.parameters():
            parameter.mul_(1.5)
    SampleGridHook(interval=2, per_class=3).after_train_iter(runner, 1)
    picture = np.asarray(Image.open(tmp_path / 'samples' / 'iter_000002.png'))
    assert picture.shape == (10 * 33 + 1, 3 * 33 + 1, 3)
    label = torch.arange(10).repeat_interleave(3)
    z = draw_z(30, runner.model.generator.z_dim, seed=0)
    expected = to_uint8(runner.model.generator_ema(z, label)).permute(0, 2, 3, 1)
    second_of_class_one = picture[34:66, 34:66]
    assert np.array_equal(second_of_class_one, expected[4].detach().numpy())


def test_pictures_come_at_the_interval_and_at_the_end_with_the_same_z(runner, tmp_path):
    hook = SampleGridHook(interval=3, per_class=2, max_classes=2)
    for index in range(4):
        hook.after_train_iter(runner, index)
    hook.after_train(runner)
    first, last = sorted((tmp_path / 'samples').iterdir())
    assert [first.name, last.name] == ['iter_000003.png', 'iter_000004.png']
    assert first.read_bytes() == last.read_bytes()


def test_sampling_does_not_touch_training_state_or_global_randomness(runner):
    before = {k: v.clone() for k, v in runner.model.generator.state_dict().items()}
    state = torch.get_rng_state()
    SampleGridHook(per_class=1).after_train(runner)
    assert torch.equal(torch.get_rng_state(), state)
    after = runner.model.generator.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_a_run_shows_its_average_and_its_file_has_both_networks(tmp_path):
    """R11: to the bit, and training goes on as if nobody had looked."""
    hooks = [dict(type='SampleGridHook', interval=5, per_class=2)]
    states = []
    for name, custom in (('shown', hooks), ('unseen', [])):
        options = dict(
            train_cfg__max_iters=10,
            model__ema__start=0,
            default_hooks__checkpoint__interval=5,
            custom_hooks=repr(custom),
        )
        assert run(arguments(tmp_path / name, hooks=True, **options)) == 0
        states.append(read_checkpoint(tmp_path / name / 'iter_10.pth')['state_dict'])
    assert same_state(*states) == []
    model, _ = load_model(str(tmp_path / 'shown' / 'iter_5.pth'))
    raw, average = (n.state_dict() for n in (model.generator, model.generator_ema))
    assert not any(torch.equal(raw[n], average[n]) for n in raw if n.endswith('weight'))
    z = draw_z(20, model.generator.z_dim, seed=0)
    label = torch.arange(10).repeat_interleave(2)
    expected = to_uint8(model.generator_ema.eval()(z, label)).permute(0, 2, 3, 1)
    picture = np.asarray(Image.open(tmp_path / 'shown' / 'samples' / 'iter_000005.png'))
    rows = [picture[1 + 33 * i : 33 + 33 * i] for i in range(10)]
    shown = [row[:, 1 + 33 * j : 33 + 33 * j] for row in rows for j in range(2)]
    assert np.array_equal(np.stack(shown), expected)


def test_images_do_not_depend_on_the_batch_size(runner):
    label = torch.arange(6)
    z = draw_z(6, runner.model.generator.z_dim, seed=3)
    whole = generate(runner.model, label, z=z)
    parts = generate(runner.model, label, z=z, batch_size=4)
    assert (whole.int() - parts.int()).abs().max() <= 1


def test_uint8_rounds_and_clips():
    values = torch.tensor([-2.0, -1.0, 0.0, 1 / 127.5 * 0.6, 1.0, 3.0])
    assert to_uint8(values).tolist() == [0, 0, 128, 128, 255, 255]


def test_rows_are_of_the_classes_asked_for_by_number_or_name(runner, tmp_path):
    hook = SampleGridHook(per_class=2, classes=[7, 'digit 3'], max_classes=1)
    hook.before_run(runner)
    hook.after_train(runner)
    picture = np.asarray(Image.open(tmp_path / 'samples' / 'iter_000004.png'))
    label = torch.tensor([7, 7, 3, 3])
    z = draw_z(4, runner.model.generator.z_dim, seed=0)
    expected = generate(runner.model, label, z=z).permute(0, 2, 3, 1)
    assert picture.shape == (2 * 33 + 1, 2 * 33 + 1, 3)
    assert np.array_equal(picture[34:66, 1:33], expected[2])


def test_classes_that_do_not_exist_raise_before_training(runner):
    with pytest.raises(ValueError, match="did you mean 'digit 3'"):
        SampleGridHook(classes=['digt 3']).before_run(runner)


def test_pictures_may_be_of_truncated_z(runner, tmp_path):
    SampleGridHook(per_class=2, classes=[2], truncation=0.2).after_train(runner)
    picture = np.asarray(Image.open(tmp_path / 'samples' / 'iter_000004.png'))
    z = draw_z(2, runner.model.generator.z_dim, seed=0, truncation=0.2)
    expected = generate(runner.model, torch.tensor([2, 2]), z=z).permute(0, 2, 3, 1)
    assert np.array_equal(picture[1:33, 1:33], expected[0])
    with pytest.raises(ValueError, match='truncation=0 is out of range'):
        SampleGridHook(truncation=0)
