"""The benchmark's row against stock mmagic."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / 'tools'))

import benchmark_mmagic  # noqa: E402
from benchmark_models import biggan, networks, parameter_count  # noqa: E402


def counts(width):
    found = networks(biggan(width)).items()
    return {name: parameter_count(network) for name, network in found}


@pytest.mark.parametrize('name', ['generator', 'discriminator'])
def test_the_peer_has_the_largest_width_without_more_parameters(name):
    entry, most = benchmark_mmagic.NETWORKS[name], counts(8)[name]
    width = benchmark_mmagic._width(entry, most)

    def count(width):
        built = benchmark_mmagic._built(dict(entry, base_channels=width))
        return parameter_count(built)

    assert count(width) <= most < count(width + 1)


def test_a_step_of_the_peer_trains_both_networks(monkeypatch):
    built = benchmark_mmagic._built
    models = []
    monkeypatch.setattr(
        benchmark_mmagic,
        '_built',
        lambda entry: models.append(built(entry)) or models[-1],
    )
    peer = benchmark_mmagic.peer(counts(8), batch=4, turns=1)

    def weights():
        return {
            n: next(m.parameters()).clone() for n, m in networks(models[-1]).items()
        }

    before = weights()
    peer.step()
    for name, weight in weights().items():
        assert not torch.equal(weight, before[name])
    assert 'mmagic 1.' in peer.description
