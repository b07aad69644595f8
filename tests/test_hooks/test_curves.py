from types import SimpleNamespace

import numpy as np
from mmengine.logging import MessageHub
from PIL import Image

from reacgan_plugin.hooks import LossCurveHook


def test_curves_become_a_picture_with_something_on_it(tmp_path):
    hub = MessageHub('curves')
    for iteration in (50, 100, 150):
        hub.update_scalar('iteration', iteration)
        hub.update_scalar('train/d/loss', 1 / iteration)
        hub.update_scalar('train/g/loss', iteration)
    runner = SimpleNamespace(message_hub=hub, work_dir=str(tmp_path))
    LossCurveHook().after_train(runner)
    picture = np.asarray(Image.open(tmp_path / 'curves.png').convert('RGB'))
    coloured = (picture.max(axis=2) - picture.min(axis=2)) > 100
    assert coloured.any()


def test_a_run_shorter_than_a_log_interval_has_no_curves(tmp_path):
    runner = SimpleNamespace(message_hub=MessageHub('short'), work_dir=str(tmp_path))
    LossCurveHook().after_train(runner)
    assert not (tmp_path / 'curves.png').exists()
