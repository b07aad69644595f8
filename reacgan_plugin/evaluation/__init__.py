"""Judging generated images."""

from reacgan_plugin.evaluation.probe import DigitProbe, grey_images
from reacgan_plugin.evaluation.report import format_report, probe_report
from reacgan_plugin.evaluation.statistics import frechet_distance, within_class_spread

__all__ = [
    'DigitProbe',
    'format_report',
    'frechet_distance',
    'grey_images',
    'probe_report',
    'within_class_spread',
]
