"""Tools are scripts that import each other by the folder that they are in."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / 'tools'))


@pytest.fixture
def run(tmp_path):
    """Measure at small scale: the table's cells, the text and the picture."""
    import benchmark

    def measured(*words: str):
        out, png = tmp_path / 'table.md', tmp_path / 'bars.png'
        common = '--scale', 'small', '--repeats', '1', '--threads', '1'
        benchmark.main([*words, *common, '--out', str(out), '--png', str(png)])
        text = out.read_text()
        lines = [line for line in text.splitlines() if line.startswith('| ')]
        cells = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines]
        return cells, text, png.read_bytes()

    threads = torch.get_num_threads()
    yield measured
    torch.set_num_threads(threads)
