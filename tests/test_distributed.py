import os

import pytest
import torch
from distributed_worker import LOSSES, losses_and_gradients
from golden_files import load, relative_error
from ranks import run_ranks, torchrun_variables

from reacgan_plugin import distributed

WORLDS = [*(pytest.param(n, marks=pytest.mark.slow) for n in (1, 4)), 2]
WORKER = 'distributed_worker.py'
GOLDEN = {1: 'ddp_world2', 2: 'ddp_world2', 4: 'ddp_world4'}


def srun_variables(rank, world, port):
    return {
        'SLURM_PROCID': str(rank),
        'SLURM_LOCALID': str(rank),
        'SLURM_NTASKS': str(world),
        'SLURM_NODELIST': 'localhost',
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': port,
    }


@pytest.fixture(scope='module', params=WORLDS)
def ranks(request, tmp_path_factory):
    world, folder = request.param, tmp_path_factory.mktemp('ranks')
    return run_ranks(WORKER, 'pytorch', GOLDEN[world], world=world, folder=folder)


def test_rows_are_gathered_in_rank_order(ranks):
    expected = torch.arange(len(ranks)).repeat_interleave(2).float()
    for _, results in ranks:
        assert torch.equal(results['rows'], expected[:, None].expand(-1, 3))


def test_integer_labels_are_gathered_in_the_same_order(ranks):
    """R3: label i belongs to row i, in one order on all ranks."""
    expected = [label for rank in range(len(ranks)) for label in (rank, 10 + rank)]
    for _, results in ranks:
        assert results['labels'].tolist() == expected


def test_rows_that_are_not_contiguous_are_gathered(ranks):
    expected = [row for rank in range(len(ranks)) for row in ([rank, rank], [1, 2])]
    for _, results in ranks:
        assert results['transposed'].tolist() == expected


def test_a_rows_gradient_is_summed_over_the_losses_of_all_ranks(ranks):
    """R2: gathered rows carry gradients, also those of other ranks."""
    world = len(ranks)
    for rank, (_, results) in enumerate(ranks):
        assert results['gathered_has_a_graph']
        for row in range(2):
            weights = [other + 2 * rank + row for other in range(world)]
            expected = torch.full((3,), float(sum(weights)))
            assert torch.equal(results['rows_gradient'][row], expected)


def test_gradients_and_mean_loss_equal_those_of_one_process(ranks):
    """R1: losses over gathered rows have the gradients and the mean of one process."""
    alone = losses_and_gradients(load(GOLDEN[len(ranks)])[0], None)
    for key, expected in alone.items():
        of_ranks = torch.stack([results[key] for _, results in ranks])
        if key.endswith('.loss'):  # a rank's own rows; DDP has averaged the gradients
            of_ranks = of_ranks.mean(0, keepdim=True)
        for actual in of_ranks:
            assert relative_error(actual, expected) < 1e-6, key


@pytest.mark.parametrize('weight', ['encoder', 'embedding'])
def test_gradients_equal_the_references_in_one_process(ranks, weight):
    golden, _ = load(GOLDEN[len(ranks)])
    sources = {
        'paper': 'd2dce.paper',
        'blocks': 'd2dce.paper',
        'studiogan': 'd2dce.single',
        '2c': '2c.single',
    }
    assert sources.keys() == LOSSES.keys()
    for _, results in ranks:
        for loss, source in sources.items():
            expected = golden[f'{source}_grad_{weight}']
            assert relative_error(results[f'{loss}.{weight}'], expected) < 1e-6, loss


def test_the_default_group_exists_only_for_several_processes(ranks):
    for has_group, _ in ranks:
        assert has_group == (len(ranks) > 1, len(ranks))


@pytest.mark.slow
def test_srun_variables_start_the_same_group(tmp_path):
    words = (WORKER, 'slurm', GOLDEN[2])
    ranks = run_ranks(*words, world=2, folder=tmp_path, variables=srun_variables)
    assert len(ranks) == 2
    test_rows_are_gathered_in_rank_order(ranks)


def test_without_a_process_group_there_is_one_process():
    assert (distributed.rank(), distributed.world_size()) == (0, 1)
    assert distributed.default_group() is None
    rows = torch.ones(2)
    assert distributed.gather_rows(rows, None) is rows
    distributed.start_process_group('none')
    distributed.end_process_group()
    assert not distributed.is_started()


def test_on_a_gpu_the_numbers_of_rows_are_compared_once_a_group(monkeypatch):
    asked = []
    monkeypatch.setattr(distributed, '_exchanged', lambda *of: asked.append(of) or (3,))
    monkeypatch.setattr(distributed.dist, 'get_world_size', lambda group: 1)
    monkeypatch.setattr(distributed.dist, 'get_rank', lambda group: 0)
    rows = torch.empty(3, 2, device='meta')  # reading it would wait for the device
    first, second = (type('Group', (), {})() for _ in range(2))
    distributed.shares(rows, first, uneven=True)  # may be anything: tells nothing
    for group, times in ((first, 2), (first, 2), (second, 3), (first, 3)):
        assert distributed.shares(rows, group) == ((3,), 0)
        assert len(asked) == times
    distributed.shares(rows, first, uneven=True)
    assert len(asked) == 4


def test_an_unknown_launcher_raises_and_names_the_known_ones():
    with pytest.raises(ValueError, match=r"'mpi'.*'none', 'pytorch', 'slurm'"):
        distributed.start_process_group('mpi')


def test_a_process_that_torchrun_did_not_start_is_told_so(monkeypatch):
    monkeypatch.delenv('RANK', raising=False)
    monkeypatch.setenv('WORLD_SIZE', '1')
    with pytest.raises(ValueError, match=r'torchrun.*missing: RANK'):
        distributed.start_process_group('pytorch')


def test_a_process_that_srun_did_not_start_is_told_so():
    with pytest.raises(ValueError, match=r'srun.*missing: SLURM_PROCID'):
        distributed.slurm_rendezvous({})


def test_with_cuda_each_process_takes_its_own_device_and_nccl(monkeypatch):
    calls = []
    for name, value in torchrun_variables(3, 8, '1').items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(distributed.dist, 'is_nccl_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 8)
    monkeypatch.setattr(torch.cuda, 'set_device', calls.append)
    monkeypatch.setattr(
        distributed.dist,
        'init_process_group',
        lambda backend, device_id: calls.append((backend, device_id.index)),
    )
    distributed.start_process_group('pytorch')
    assert calls == [3, ('nccl', 3)]


def test_more_processes_than_gpus_is_an_error_under_torchrun_alone(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: 1)
    assert distributed._own_gpu(3, 'slurm') == 0  # each task sees its own GPU
    with pytest.raises(ValueError, match='local rank 3 has no GPU: there are 1 here'):
        distributed._own_gpu(3, 'pytorch')


def test_the_first_host_of_the_job_is_where_ranks_meet(tmp_path, monkeypatch):
    scontrol = tmp_path / 'scontrol'
    scontrol.write_text('#!/bin/sh\necho first-of-$3\necho second\n')
    scontrol.chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path), prepend=os.pathsep)
    job = {
        'SLURM_PROCID': '3',
        'SLURM_NTASKS': '8',
        'SLURM_LOCALID': '1',
        'SLURM_NODELIST': 'node[1-2]',
    }
    assert distributed.slurm_rendezvous(job) == {
        'RANK': '3',
        'WORLD_SIZE': '8',
        'LOCAL_RANK': '1',
        'MASTER_ADDR': 'first-of-node[1-2]',
        'MASTER_PORT': '29500',
    }
    set_by_hand = {'MASTER_ADDR': 'elsewhere', 'MASTER_PORT': '1234'}
    assert (
        set_by_hand.items() <= distributed.slurm_rendezvous(job | set_by_hand).items()
    )


def test_a_missing_scontrol_is_reported_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    job = dict.fromkeys(distributed.SLURM, '0')
    with pytest.raises(ValueError, match='scontrol.*MASTER_ADDR'):
        distributed.slurm_rendezvous(job)
