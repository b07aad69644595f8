import gc
import json
import math

import pytest
import torch
from evaluation_parts import (
    GivenImages,
    GivenReference,
    Quadrants,
    averaged_gan,
    evaluator,
    random_images,
    random_rows,
    samples,
)
from mmengine.logging import MMLogger
from tiny_gan import changed, state

from reacgan_plugin.evaluation.evaluator import ImageEvaluator, names_of
from reacgan_plugin.evaluation.features import View
from reacgan_plugin.evaluation.metrics import FID, KID, DensityCoverage, Metric


class Fails(Metric):
    better = {'broken': 'less'}

    def compute(self, real, fake):
        raise ArithmeticError('no such luck')


def test_evaluating_twice_gives_the_same_numbers():
    model, judge = averaged_gan(), evaluator()
    first, second = (judge.evaluate(samples(model, 40)) for _ in range(2))
    assert first.values == second.values and len(first.values) == 5
    assert evaluator().evaluate(samples(model, 40)).values == first.values


def test_the_model_is_untouched_and_its_average_is_what_is_evaluated():
    model, judge = averaged_gan(), evaluator([FID()])
    before = state(model)
    averaged = judge.evaluate(samples(model, 40)).values
    assert not changed(before, model)
    raw = judge.evaluate(samples(model, 40, average=False)).values
    assert raw != averaged
    model.generator.load_state_dict(model.generator_ema.state_dict())
    assert judge.evaluate(samples(model, 40, average=False)).values == averaged


def test_a_metric_that_fails_is_named_and_its_traceback_is_logged(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        found = evaluator([Fails(), FID()]).evaluate(GivenImages(random_images(30)))
    finally:
        logger.removeHandler(caplog.handler)
    assert found.failed == {'Fails': 'ArithmeticError: no such luck'}
    assert math.isfinite(found.values['FID'])
    assert 'Fails failed' in caplog.text and 'Traceback' in caplog.text


def test_warnings_of_few_images_become_remarks():
    found = evaluator([KID(subset_size=50)]).evaluate(GivenImages(random_images(30)))
    assert found.remarks == ['KID: subsets of 30 images in place of 50']


def test_beside_the_numbers_stands_what_they_depend_on():
    model = averaged_gan()
    found = evaluator([FID()]).evaluate(samples(model, 40, batch_norm='batch', seed=3))
    assert found.setting._asdict() == dict(
        extractor='quadrants at None',
        resizer='none',  # there is no size to bring images to
        quantisation='uint8, clipped, rounded half up',
        reference='given reals',
        real_images=60,
        fake_images=40,
        weights='EMA',
        batch_norm='batch',
        truncation=None,
        seed=3,
    )
    assert '\n' not in found.line()
    for part in ('FID ', '40 fakes of EMA weights', 'batch norm batch', '60 of given'):
        assert part in found.line()


def test_of_files_it_says_that_they_are_as_stored():
    found = evaluator([FID()]).evaluate(GivenImages(random_images(30)))
    assert found.setting.weights is None
    assert found.setting.quantisation == 'as stored'
    assert 'weights' not in found.line()


def test_a_record_is_plain_data():
    found = evaluator([FID(), Fails()]).evaluate(GivenImages(random_images(30)))
    record = json.loads(json.dumps(found.record(iteration=5)))
    assert list(record)[0] == 'iteration'
    assert record['values'] == found.values
    assert record['failed'] == found.failed
    assert record['setting']['fake_images'] == 30
    lines = found.table().splitlines()
    assert lines[0].startswith('FID') and lines[1].startswith('Fails')


def test_reals_are_looked_at_once():
    class Once(GivenReference):
        asked = 0

        def rows(self, view, ranks):
            self.asked += 1
            return super().rows(view, ranks)

    rows = random_rows(60, width=12)
    reference = Once(rows)
    judge = ImageEvaluator([FID()], reference, View(Quadrants()))
    for _ in range(3):
        judge.evaluate(GivenImages(random_images(20)))
    assert reference.asked == 1


def tensors() -> int:
    gc.collect()
    return sum(issubclass(type(found), torch.Tensor) for found in gc.get_objects())


def test_nothing_is_left_of_an_evaluation():
    model, judge = averaged_gan(), evaluator()
    judge.evaluate(samples(model, 20, batch_norm='standing', std_step=2))
    before = tensors()
    for _ in range(5):
        judge.evaluate(samples(model, 20, batch_norm='standing', std_step=2))
    assert tensors() == before


@pytest.mark.slow
def test_memory_stays_flat_over_five_evaluations():
    from test_memory import megabytes

    judge = evaluator(reals=2000)
    images = GivenImages(random_images(4000, side=32))
    judge.evaluate(images)
    before = megabytes()
    for _ in range(5):
        judge.evaluate(images)
    assert megabytes() - before < 8


@pytest.mark.parametrize('options, message', [
    (dict(resizer='pil'), "resizer='pil' is not known"),
    (dict(batch_size=0), 'batch_size=0'),
])  # fmt: skip
def test_ways_of_looking_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        View(Quadrants(), **options)


def test_two_metrics_of_one_number_are_refused():
    with pytest.raises(ValueError, match='two metrics give FID'):
        ImageEvaluator([FID(), FID()], GivenReference(None), View(Quadrants()))


def test_each_number_says_whether_more_is_better():
    names = names_of([FID(), KID(), DensityCoverage()])
    assert names == dict(
        FID='less', KID='less', KID_std=None, density='greater', coverage='greater'
    )
