"""What happens beside the step: guards, means for the log, pictures, a closing
report."""

from reacgan_plugin.hooks.curves import LossCurveHook
from reacgan_plugin.hooks.diagnostics import DiagnosticsHook
from reacgan_plugin.hooks.evaluation import EvaluationHook
from reacgan_plugin.hooks.guard import GuardHook
from reacgan_plugin.hooks.means import RunningMeansHook
from reacgan_plugin.hooks.metrics_file import MetricsFileHook
from reacgan_plugin.hooks.probe import ProbeReportHook
from reacgan_plugin.hooks.samples import SampleGridHook

__all__ = [
    'DiagnosticsHook',
    'EvaluationHook',
    'GuardHook',
    'LossCurveHook',
    'MetricsFileHook',
    'ProbeReportHook',
    'RunningMeansHook',
    'SampleGridHook',
]
