"""What this package registers, by the names that configs use.

Importing this module needs mmengine and mmcv.
"""

from __future__ import annotations

from reacgan_plugin.evaluation import metrics
from reacgan_plugin.evaluation.inception import InceptionExtractor
from reacgan_plugin.evaluation.probe_extractor import ProbeExtractor
from reacgan_plugin.evaluation.timm_extractor import (
    EfficientNetLiteExtractor,
    TimmExtractor,
)

METRICS = {
    'FID': metrics.FID,
    'IS': metrics.InceptionScore,
    'KID': metrics.KID,
    'PrecisionRecall': metrics.PrecisionRecall,
    'DensityCoverage': metrics.DensityCoverage,
    'IntraFID': metrics.IntraFID,
    'ClassifierAccuracy': metrics.ClassifierAccuracy,
    'LabelAgreement': metrics.LabelAgreement,
}
EXTRACTORS = {
    'InceptionExtractor': InceptionExtractor,
    'TimmExtractor': TimmExtractor,
    'EfficientNetLiteExtractor': EfficientNetLiteExtractor,
    'ProbeExtractor': ProbeExtractor,
}
