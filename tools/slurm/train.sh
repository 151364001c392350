#!/bin/bash
# Train on several machines: one task a machine, in which torchrun starts a process a GPU.
#
#   WORK_DIR=work_dirs/mine sbatch --nodes=2 tools/slurm/train.sh CONFIG --deepspeed zero2 [OPTION ...]
#
# OPTIONs are those of `maskdpo train`. Where the job is requeued or submitted again, it goes on from
# the last checkpoint in WORK_DIR. Every machine must see WORK_DIR, the pairs, and the folder of
# HF_DATASETS_CACHE, in which the processes share the reference log-probabilities.
#SBATCH --job-name=maskdpo-train
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.log
set -euo pipefail

export NNODES=$SLURM_NNODES
export NPROC_PER_NODE=${NPROC_PER_NODE:-$SLURM_GPUS_ON_NODE}
ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
# One job on a machine has the port to itself.
PORT=${PORT:-$((20000 + SLURM_JOB_ID % 10000))}
export ADDR PORT

arguments=("$@")
if [[ -n ${WORK_DIR:-} ]]; then
  arguments+=(--work-dir "$WORK_DIR")
  if [[ -s $WORK_DIR/last_checkpoint ]]; then
    arguments+=(--resume "$(cat "$WORK_DIR/last_checkpoint")")
  fi
fi
exec srun --kill-on-bad-exit=1 bash -c 'NODE_RANK=$SLURM_NODEID exec maskdpo train "$@"' \
  train "${arguments[@]}"
