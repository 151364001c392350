#!/bin/bash
# Sample, annotate and pair by a Slurm array: each task does a shard of the questions on one GPU.
#
#   job=$(sbatch --parsable --array=0-15 tools/slurm/sample.sh CONFIG [OPTION ...])
#   sbatch --dependency=afterok:$job --wrap 'maskdpo merge CONFIG [OPTION ...]'
#
# OPTIONs are those of `maskdpo sample`. A task that was killed or preempted goes on where it was.
# Some tasks again, by their numbers: SHARDS=16 sbatch --array=3,7 tools/slurm/sample.sh ...
#SBATCH --job-name=maskdpo-sample
#SBATCH --gpus=1
#SBATCH --cpus-per-task=8
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%A_%a.log
set -euo pipefail

if [[ -z ${SHARDS:-} ]]; then
  SHARDS=$SLURM_ARRAY_TASK_COUNT
  if ((SLURM_ARRAY_TASK_MIN != 0 || SLURM_ARRAY_TASK_MAX != SHARDS - 1)); then
    echo "error: --array=0-N runs all shards; for some of them say of how many: SHARDS=16" >&2
    exit 2
  fi
fi
exec maskdpo sample "$@" --quiet --shard "$SLURM_ARRAY_TASK_ID/$SHARDS"
