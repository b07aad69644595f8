#!/usr/bin/env bash
# Train under Slurm, one task a GPU:
#   tools/slurm_train.sh PARTITION JOB_NAME CONFIG GPUS [arguments of tools/train.py]
# Settings: GPUS_PER_NODE (8, or GPUS if that is less), CPUS_PER_TASK (5), SRUN_ARGS
# (further words for srun), MASTER_PORT (drawn).
set -euo pipefail

if [[ $# -lt 4 ]]; then
    sed -n '2,5s/^# \?//p' "$0" >&2
    exit 2
fi
partition=$1
job_name=$2
config=$3
gpus=$4
shift 4

per_node=${GPUS_PER_NODE:-$((gpus < 8 ? gpus : 8))}
if ((gpus % per_node)); then
    echo "GPUS=$gpus does not divide by GPUS_PER_NODE=$per_node" >&2
    exit 2
fi
# drawn here, once for all tasks, so that jobs that share a node do not meet
export MASTER_PORT=${MASTER_PORT:-$((20000 + RANDOM % 10000))}

# a task that dies would leave the others waiting: srun ends them
# shellcheck disable=SC2086  # SRUN_ARGS are several words
exec srun \
    --partition="$partition" \
    --job-name="$job_name" \
    --ntasks="$gpus" \
    --ntasks-per-node="$per_node" \
    --gres="gpu:$per_node" \
    --cpus-per-task="${CPUS_PER_TASK:-5}" \
    --kill-on-bad-exit=1 \
    ${SRUN_ARGS:-} \
    "${PYTHON:-python}" -u "$(dirname "${BASH_SOURCE[0]}")/train.py" \
    "$config" --launcher slurm "$@"
