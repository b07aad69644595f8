"""Pictures and pages of runs that are done, or still on their way."""

from reacgan_plugin.plotting.curves import curve_page, curve_panels
from reacgan_plugin.plotting.report import report_page
from reacgan_plugin.plotting.runs import Run, read_runs
from reacgan_plugin.plotting.sphere import Embeddings, embeddings_of, sphere_map

__all__ = [
    'Embeddings',
    'Run',
    'curve_page',
    'curve_panels',
    'embeddings_of',
    'read_runs',
    'report_page',
    'sphere_map',
]
