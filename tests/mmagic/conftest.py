"""The helpers of these tests are found beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import logging  # noqa: E402

from mmengine.logging import MMLogger  # noqa: E402

# mmengine tells of every weight that it initialises
MMLogger.get_instance('mmengine', log_level=logging.WARNING)
