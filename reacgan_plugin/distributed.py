"""Process groups: ranks, a gather with gradient, start and end; torch alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import NamedTuple
from weakref import WeakSet

import torch
from torch import Tensor
from torch import distributed as dist

LAUNCHERS = ('none', 'pytorch', 'slurm')
RENDEZVOUS = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')
SLURM = ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID', 'SLURM_NODELIST')
DEFAULT_PORT = '29500'
COMPARED = WeakSet()  # groups whose ranks were found to have equally many rows


def is_started() -> bool:
    """Whether this process belongs to a process group."""
    return dist.is_available() and dist.is_initialized()


def rank() -> int:
    """Rank in the default process group; 0 without one."""
    return dist.get_rank() if is_started() else 0


def world_size() -> int:
    """Number of processes of the default group; 1 without one."""
    return dist.get_world_size() if is_started() else 1


def default_group() -> dist.ProcessGroup | None:
    """The group of all processes, or None where there is only this one."""
    return dist.group.WORLD if world_size() > 1 else None


class Shares(NamedTuple):
    """Rows of a batch that the ranks of a group hold, in rank order."""

    counts: tuple[int, ...]  # rows of each rank
    rank: int  # of this process in the group

    @property
    def total(self) -> int:
        """Rows of all ranks."""
        return sum(self.counts)

    @property
    def first(self) -> int:
        """Where this rank's rows begin among those of all ranks."""
        return sum(self.counts[: self.rank])


def shares(
    x: Tensor, group: dist.ProcessGroup | None, *, uneven: bool = False
) -> Shares:
    """How many rows each rank of a group brings; every rank must call it.

    Ranks tell each other, but for rows on a GPU that should be equally many: reading
    the numbers waits for the device, so that they are compared once a group.

    Args:
        x: this rank's rows.
        group: a process group, or None for this process alone.
        uneven: ranks may bring different numbers of rows, also none.

    Raises: ValueError, on every rank, for different numbers where they must be equal.
    """
    if group is None:
        return Shares((len(x),), 0)
    counts = (len(x),) * dist.get_world_size(group)
    if uneven or x.device.type == 'cpu' or group not in COMPARED:
        counts = _exchanged(len(x), x.device, group)
    if not uneven:
        _check_equal(counts)
        COMPARED.add(group)
    return Shares(counts, dist.get_rank(group))


def _check_equal(counts: tuple[int, ...]) -> None:
    if len(set(counts)) > 1:
        raise ValueError(
            f'the ranks of a group bring {", ".join(map(str, counts))} rows; allowed: '
            'equally many, for which a loader drops its last batch; or uneven=True '
            "(gather='uneven' of a conditioning)"
        )


def _exchanged(count: int, device: torch.device, group) -> tuple[int, ...]:
    """The counts of all ranks, in rank order."""
    counts = torch.empty(dist.get_world_size(group), dtype=torch.int64, device=device)
    _all_gather(counts, torch.tensor([count], device=device), group)
    return tuple(counts.tolist())


class _GatherRows(torch.autograd.Function):
    """All-gather whose backward sums, over ranks, what concerns one's own rows."""

    @staticmethod
    def forward(ctx, x: Tensor, group: dist.ProcessGroup) -> Tensor:
        ctx.group, ctx.shape = group, x.shape
        world = dist.get_world_size(group)
        gathered = x.new_empty(world * x.shape[0], *x.shape[1:])
        _all_gather(gathered, x.contiguous(), group)
        return gathered

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        own = grad.new_empty(ctx.shape)
        _reduce_scatter(own, grad.contiguous(), ctx.group)
        return own, None


def gather_rows(
    x: Tensor, group: dist.ProcessGroup | None, *, uneven: bool = False
) -> Tensor:
    """Rows of all ranks of a group in rank order: (n, ...) -> (total, ...).

    The gradient of a row is the sum over ranks of their losses' gradients, so that
    DDP's mean over ranks is the gradient of the mean loss. Integers are gathered
    without gradient. Every rank must call it, and go backward through it, so that rows
    need a gradient on all ranks or on none.

    Args:
        x: this rank's rows.
        group: a process group, or None for x itself.
        uneven: as in :func:`shares`; a mean loss is then that of all rows if each rank
            divides the sum over its own by ``total / world``.

    Raises: ValueError as :func:`shares`.
    """
    return gather_shares(x, group, shares(x, group, uneven=uneven))


def gather_shares(
    x: Tensor, group: dist.ProcessGroup | None, of_ranks: Shares
) -> Tensor:
    """``gather_rows`` where :func:`shares` has been asked already."""
    if group is None:
        return x
    if len(set(of_ranks.counts)) == 1:
        return _GatherRows.apply(x, group)
    largest = max(of_ranks.counts)
    padding = x.new_zeros(largest - len(x), *x.shape[1:])
    parts = _GatherRows.apply(torch.cat([x, padding]), group).split(largest)
    return torch.cat([p[:n] for p, n in zip(parts, of_ranks.counts, strict=True)])


def _all_gather(gathered: Tensor, own: Tensor, group) -> None:
    newer = getattr(dist, 'all_gather_single', None)  # the other name is deprecated
    (newer or dist.all_gather_into_tensor)(gathered, own, group=group)


def _reduce_scatter(own: Tensor, grad: Tensor, group) -> None:
    newer = getattr(dist, 'reduce_scatter_single', None)
    (newer or dist.reduce_scatter_tensor)(own, grad, group=group)


def start_process_group(launcher: str = 'none') -> None:
    """Join the processes that a launcher started, by nccl with CUDA, else by gloo.

    Args:
        launcher: ``'none'``: one process, no group. ``'pytorch'``: torchrun, which sets
            RANK and its like. ``'slurm'``: srun, whose variables are translated.

    Raises: ValueError for another launcher or missing environment variables.
    """
    if launcher not in LAUNCHERS:
        allowed = ', '.join(map(repr, LAUNCHERS))
        raise ValueError(f'launcher={launcher!r} is not known; allowed: {allowed}')
    if launcher == 'none' or is_started():
        return
    if launcher == 'slurm':
        os.environ.update(slurm_rendezvous(os.environ))
    else:
        _require(os.environ, RENDEZVOUS, "launcher='pytorch' expects torchrun to set")
    if not (torch.cuda.is_available() and dist.is_nccl_available()):
        dist.init_process_group('gloo')
        return
    device = _own_gpu(int(os.environ['LOCAL_RANK']), launcher)
    torch.cuda.set_device(device)
    dist.init_process_group('nccl', device_id=torch.device('cuda', device))


def _own_gpu(local_rank: int, launcher: str) -> int:
    """This process's GPU; Slurm may show each process a single one of its own."""
    count = torch.cuda.device_count()
    if launcher == 'slurm':
        return local_rank % count
    if local_rank >= count:
        raise ValueError(f'local rank {local_rank} has no GPU: there are {count} here')
    return local_rank


def end_process_group() -> None:
    """Wait for the other processes and leave the group; nothing without one."""
    if is_started():
        dist.barrier()
        dist.destroy_process_group()


def slurm_rendezvous(environment: Mapping[str, str]) -> dict[str, str]:
    """torchrun's variables, made from those of srun.

    MASTER_ADDR is the first host of the job and MASTER_PORT 29500, unless set.

    Raises: ValueError when srun's variables or scontrol are missing.
    """
    _require(environment, SLURM, "launcher='slurm' expects srun to set")
    address = environment.get('MASTER_ADDR')
    return {
        'RANK': environment['SLURM_PROCID'],
        'WORLD_SIZE': environment['SLURM_NTASKS'],
        'LOCAL_RANK': environment['SLURM_LOCALID'],
        'MASTER_ADDR': address or _first_host(environment['SLURM_NODELIST']),
        'MASTER_PORT': environment.get('MASTER_PORT', DEFAULT_PORT),
    }


def _first_host(nodes: str) -> str:
    """First name of Slurm's compressed list, such as node[01-04]."""
    command = ['scontrol', 'show', 'hostnames', nodes]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        raise ValueError(
            "launcher='slurm' asks scontrol for the first host, which is not installed "
            'here; set MASTER_ADDR instead'
        ) from None
    return listed.stdout.split()[0]


def _require(environment: Mapping[str, str], names: tuple[str, ...], who: str) -> None:
    missing = [name for name in names if name not in environment]
    if missing:
        raise ValueError(f'{who} {", ".join(names)}; missing: {", ".join(missing)}')
