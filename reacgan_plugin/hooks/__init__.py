"""What happens beside the step: means for the log, pictures, a closing report."""

from reacgan_plugin.hooks.curves import LossCurveHook
from reacgan_plugin.hooks.means import RunningMeansHook
from reacgan_plugin.hooks.probe import ProbeReportHook
from reacgan_plugin.hooks.samples import SampleGridHook

__all__ = ['LossCurveHook', 'ProbeReportHook', 'RunningMeansHook', 'SampleGridHook']
