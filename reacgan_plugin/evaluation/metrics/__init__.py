"""Numbers about fakes, most of them beside reals; one kind a file."""

from reacgan_plugin.evaluation.metrics.classifier_accuracy import ClassifierAccuracy
from reacgan_plugin.evaluation.metrics.density_coverage import DensityCoverage
from reacgan_plugin.evaluation.metrics.fid import FID
from reacgan_plugin.evaluation.metrics.inception_score import InceptionScore
from reacgan_plugin.evaluation.metrics.intra_fid import IntraFID
from reacgan_plugin.evaluation.metrics.kid import KID
from reacgan_plugin.evaluation.metrics.label_agreement import LabelAgreement
from reacgan_plugin.evaluation.metrics.metric import FewImages, Metric
from reacgan_plugin.evaluation.metrics.precision_recall import PrecisionRecall

__all__ = [
    'FID',
    'KID',
    'ClassifierAccuracy',
    'DensityCoverage',
    'FewImages',
    'InceptionScore',
    'IntraFID',
    'LabelAgreement',
    'Metric',
    'PrecisionRecall',
]
