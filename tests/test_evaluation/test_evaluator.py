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
from reacgan_plugin.evaluation.features import View, extract
from reacgan_plugin.evaluation.metrics import FID, KID, DensityCoverage, Metric
from reacgan_plugin.evaluation.ranks import Ranks
from reacgan_plugin.evaluation.resize import RESIZERS


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


def test_a_metric_that_cannot_do_with_the_images_is_one_line(caplog):
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    try:
        found = evaluator([FID()]).evaluate(GivenImages(random_images(1)))
    finally:
        logger.removeHandler(caplog.handler)
    assert found.failed == {'FID': 'FID takes 2 images or more; given has 1'}
    assert [record.getMessage() for record in caplog.records] == [
        'FID: FID takes 2 images or more; given has 1'
    ]


def test_warnings_of_few_images_become_remarks():
    found = evaluator([KID(subset_size=50)]).evaluate(GivenImages(random_images(30)))
    assert found.remarks == ['KID: subsets of 30 images in place of 50']


def test_beside_the_numbers_stands_what_they_depend_on():
    """R13, R42: resizer, reference, numbers of images, weights."""
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
        std_max=None,
        std_step=None,
        batch_size=50,
        filter=None,
        metrics={'FID': {}},
    )
    assert '\n' not in found.line()
    for part in ('FID ', '40 fakes of EMA weights', 'batch norm batch', '60 of given'):
        assert part in found.line()


def test_settings_that_change_a_number_stand_beside_it():
    model, metrics = averaged_gan(), [FID(), KID(subsets=2), DensityCoverage(7)]
    standing = samples(model, 20, batch_norm='standing', std_max=3, std_step=2)
    found = evaluator(metrics).evaluate(standing)
    setting = found.record()['setting']
    assert (setting['std_max'], setting['std_step']) == (3, 2)
    assert setting['metrics'] == {
        'FID': {},
        'KID': {'subsets': 2, 'subset_size': 1000},
        'DensityCoverage': {'neighbours': 7},
    }
    for words in (
        'batch norm standing (std_max 3, std_step 2)',
        'KID subsets 2, subset_size 1000; DensityCoverage neighbours 7',
    ):
        assert words in found.line()


def test_the_filter_of_a_resizer_stands_beside_the_numbers():
    view = View(Quadrants(15), resizer='friendly')
    reals = GivenReference(extract(GivenImages(random_images(30)), view, Ranks()))
    found = ImageEvaluator([FID()], reals, view).evaluate(GivenImages(random_images(9)))
    assert 'resizer friendly, filter bilinear' in found.line()


def test_reals_and_fakes_of_two_sizes_are_a_remark():
    fakes = GivenImages(random_images(30, side=16), name='fakes')
    (remark, *_) = evaluator([FID()]).evaluate(fakes).remarks
    assert remark.endswith('counts as difference: fakes 16 x 16, given 8 x 8')
    alike = evaluator([FID()]).evaluate(GivenImages(random_images(30)))
    assert not any('differ in size' in remark for remark in alike.remarks)


def test_numbers_of_two_resizers_differ_and_say_of_which_they_are():
    """R13: the same images, with antialiasing and without."""
    fakes, reals = (GivenImages(random_images(30, seed=s, side=48)) for s in (0, 1))
    found = {}
    for resizer in RESIZERS:
        view = View(Quadrants(15), resizer=resizer)
        reference = GivenReference(extract(reals, view, Ranks()))
        found[resizer] = ImageEvaluator([FID()], reference, view).evaluate(fakes)
    assert len({e.values['FID'] for e in found.values()}) == len(RESIZERS)
    for resizer, evaluation in found.items():
        assert f'resizer {resizer}, ' in evaluation.line()
        assert evaluation.record()['setting']['resizer'] == resizer


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
    """R42: no tensor of it."""
    model, judge = averaged_gan(), evaluator()
    judge.evaluate(samples(model, 20, batch_norm='standing', std_step=2))
    before = tensors()
    for _ in range(5):
        judge.evaluate(samples(model, 20, batch_norm='standing', std_step=2))
    assert tensors() == before


@pytest.mark.slow
def test_memory_stays_flat_over_five_evaluations():
    """R42: nothing is kept of one."""
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
