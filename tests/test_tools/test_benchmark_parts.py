"""What the commands measure is what they say."""

import subprocess
import sys
import time
from types import SimpleNamespace

import benchmark_accumulation
import benchmark_distributed
import benchmark_loss
import benchmark_memory
import benchmark_step
import pytest
import torch
from benchmark_measure import largest_difference, random_batch
from benchmark_models import biggan, networks, parameter_count, resampling_apart
from torch.utils.flop_counter import FlopCounterMode


def test_the_broadcast_form_is_the_same_loss():
    batch = random_batch(16, 8, 5)
    ours = benchmark_loss.d2d_cross_entropy(*batch)
    assert torch.allclose(benchmark_loss.broadcast_d2d_ce(*batch), ours, rtol=1e-5)


def test_rows_of_a_missing_library_are_not_measured(monkeypatch):
    monkeypatch.setattr(benchmark_loss, 'find_spec', lambda name: None)
    sizes = benchmark_loss.SIZES['small']
    rows = benchmark_loss.against_metric_learning(sizes, repeats=1)
    assert len(rows) == 3
    for row in rows:
        assert 'not measured: pytorch_metric_learning is not inst' in row.verdict
        assert '[test]' in row.verdict


@pytest.mark.parametrize('block_size', [None, 64])
def test_memory_of_the_loss_is_six_matrices_of_rows_by_batch(block_size):
    batch, width = 512, 16
    own = benchmark_memory.own_bytes(batch, width, block_size)
    matrix = (block_size or batch) * batch * 4
    assert 3 * matrix < own <= 6 * matrix


def test_auto_takes_less_than_the_whole_matrix_of_a_large_batch():
    whole = 6 * 4096 * 4096 * 4
    assert benchmark_memory.own_bytes(4096, 8, 'auto') < min(
        whole / 1.4, benchmark_memory.BUDGET
    )


@pytest.mark.parametrize(
    'capabilities, reason',
    [
        ({'avx512_bf16': True}, ''),
        ({'amx_bf16': True, 'avx512_bf16': False}, ''),
        ({'avx512_bf16': False}, 'the processor has no bf16'),
        ({}, 'the processor has no bf16'),
    ],
)
def test_bf16_is_measured_only_where_the_processor_has_it(
    monkeypatch, capabilities, reason
):
    cpu = SimpleNamespace(get_capabilities=lambda: capabilities)
    monkeypatch.setattr(torch, 'cpu', cpu)
    assert benchmark_step.lacks_bf16() == reason
    monkeypatch.setattr(torch, 'cpu', SimpleNamespace())
    assert 'cannot tell' in benchmark_step.lacks_bf16()


def test_a_step_has_a_row_for_every_goal_measured_or_not():
    seconds = dict(part=1, ours=100, apart=130, eager=150, half=50, mmagic=90)
    sizes = benchmark_step.SIZES['small']
    verdicts = [row.verdict for row in benchmark_step.rows(sizes, seconds, '', '')]
    assert verdicts[:5] == ['met', 'met', 'no goal', 'met', 'missed']
    rows = benchmark_step.rows(sizes, seconds, 'no bf16', 'no mmagic')
    assert [row.verdict for row in rows[3:5]] == [
        'not measured: no bf16',
        'not measured: no mmagic',
    ]


def test_without_a_gpu_its_row_is_not_measured(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    seconds = dict(part=1, ours=1, apart=1, eager=1)
    sizes = benchmark_step.SIZES['small']
    row = benchmark_step.rows(sizes, seconds, 'slow', 'lacking')[-1]
    assert row.verdict == 'not measured: no GPU'
    assert str(row.goal) == '>= 2'


def test_a_gpu_has_goals_of_its_own():
    seconds = dict(part=1, ours=100, apart=130, eager=150, half=70)
    sizes = benchmark_step.SIZES['small']
    rows = benchmark_step.rows(sizes, seconds, '', 'lacking', device='cuda')
    assert [row.verdict for row in rows[1:4]] == ['no goal', 'no goal', 'met']
    assert rows[3].what.startswith('bf16, channels_last and compile against eager')
    assert len(rows) == 5


@pytest.mark.parametrize(
    'capability, reason', [((7, 5), 'the GPU has no'), ((9, 0), '')]
)
def test_bf16_is_not_measured_on_a_gpu_without_it(monkeypatch, capability, reason):
    monkeypatch.setattr(torch.cuda, 'get_device_capability', lambda: capability)
    found = benchmark_step.lacks_bf16('cuda')
    assert found.startswith(reason) and bool(found) == bool(reason)


def test_with_a_gpu_the_cpus_table_says_how_to_measure_it(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    seconds = dict(part=1, ours=1, apart=1, eager=1)
    row = benchmark_step.rows(
        benchmark_step.SIZES['small'], seconds, 'slow', 'lacking'
    )[-1]
    assert row.verdict == 'not measured: --device cuda does'


def test_a_missing_mmagic_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'mmagic', None)
    monkeypatch.delitem(sys.modules, 'benchmark_mmagic', raising=False)
    peer, lacking = benchmark_step.stock_mmagic(None, batch=2, turns=1)
    assert peer is None
    assert lacking == 'mmagic is not installed'


def test_resampling_apart_computes_the_same_with_more_work():
    z, label = torch.randn(2, 80), torch.tensor([1, 2])
    image = torch.rand(2, 3, 32, 32)
    results, work = [], []
    for model in (biggan(4).eval(), resampling_apart(biggan(4)).eval()):
        with FlopCounterMode(display=False) as count:
            generated = model.generator(z, label)
            features = model.discriminator.backbone(image)
        results.append((generated, features))
        work.append(count.get_total_flops())
    for ours, other in zip(*results, strict=True):
        assert torch.allclose(ours, other, rtol=1e-4, atol=1e-5)
    assert work[1] > 1.3 * work[0]


def test_a_step_trains_both_networks():
    gan = biggan(4, ema=benchmark_step.EMA)
    before = {
        n: torch.cat([p.flatten() for p in net.parameters()])
        for n, net in networks(gan).items()
    }
    benchmark_step.step_of(gan, batch=4)()
    for name, network in networks(gan).items():
        after = torch.cat([p.flatten() for p in network.parameters()])
        assert not torch.equal(after, before[name])
    assert gan.iteration == 1


def test_the_conditioning_alone_reaches_every_weight_of_the_head():
    gan = biggan(4)
    benchmark_step.conditioning_alone(gan, batch=4)()
    found = {
        n: p.grad is not None for n, p in gan.discriminator.head.named_parameters()
    }
    of_adversarial = {name for name, has in found.items() if not has}
    assert all(name.startswith('adversarial') for name in of_adversarial)
    assert all(p.grad is None for p in gan.discriminator.backbone.parameters())


def test_models_are_the_same_every_time_and_of_the_width_asked_for():
    first, again = (dict(biggan(4).named_parameters()) for _ in range(2))
    assert largest_difference(first, again) == 0
    assert parameter_count(biggan(8)) > 2 * sum(p.numel() for p in first.values())


def test_plain_accumulation_would_miss_the_goal_of_the_exact_one(monkeypatch):
    def plain(width, **options):
        return biggan(width, **{**options, 'accumulation_mode': 'plain'})

    def left(parts):
        return benchmark_accumulation.updated(
            'discriminator', 4, 8, parts, torch.float64
        )

    whole, exact = left(1), left(2)
    monkeypatch.setattr(benchmark_accumulation, 'biggan', plain)
    assert largest_difference(exact.gradients, whole.gradients) < 1e-9
    assert largest_difference(left(2).gradients, whole.gradients) > 1e-4
    assert exact.peak < whole.peak


def test_a_process_that_fails_ends_the_waiting():
    failing = subprocess.Popen([sys.executable, '-c', 'raise SystemExit(3)'])
    waiting = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
    start = time.monotonic()
    try:
        benchmark_distributed._wait_for([waiting, failing])
        assert time.monotonic() - start < 30
        assert waiting.poll() is None
    finally:
        waiting.kill()
        waiting.wait()


def test_processes_without_a_result_are_an_error(monkeypatch):
    def started(rank, port, words):
        return subprocess.Popen([sys.executable, '-c', 'raise SystemExit(1)'])

    monkeypatch.setattr(benchmark_distributed, '_started', started)
    options = SimpleNamespace(scale='small', repeats=1, threads=1)
    with pytest.raises(SystemExit, match='left no result'):
        benchmark_distributed.of_two_processes(options)
