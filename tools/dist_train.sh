#!/usr/bin/env bash
# Train in several processes, one a GPU or, where there is none, on the CPU:
#   tools/dist_train.sh CONFIG PROCESSES [arguments of tools/train.py]
# On several machines, run it on each with the same NNODES and MASTER_ADDR (a host name
# of the first), MASTER_PORT if 29500 is taken there, and its own NODE_RANK from 0 on;
# PROCESSES is then the number of each machine.
set -euo pipefail

if [[ $# -lt 2 ]]; then
    sed -n '2,6s/^# \?//p' "$0" >&2
    exit 2
fi
config=$1
processes=$2
shift 2

# on one machine a free port is found, so that runs beside each other do not meet
meeting=(--rdzv_backend=c10d --rdzv_endpoint=localhost:0)
if [[ ${NNODES:-1} -gt 1 ]]; then
    meeting=(
        --nnodes="$NNODES"
        --node_rank="${NODE_RANK:?the number of this machine, from 0 on}"
        --master_addr="${MASTER_ADDR:?a host name of the first machine}"
        --master_port="${MASTER_PORT:-29500}"
    )
fi

exec "${PYTHON:-python}" -m torch.distributed.run \
    --nproc_per_node="$processes" "${meeting[@]}" \
    "$(dirname "${BASH_SOURCE[0]}")/train.py" "$config" --launcher pytorch "$@"
