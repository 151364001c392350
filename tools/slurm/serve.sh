#!/bin/bash
# Serve a model by LMDeploy on all GPUs of a job, one server a GPU, behind one proxy.
#
#   ADDRESS=policy.url sbatch --nodes=2 tools/slurm/serve.sh MODEL --enable-prefix-caching [OPTION ...]
#
# OPTIONs are those of `lmdeploy serve api_server`. When all servers are there, the file ADDRESS holds
# the address of the proxy, for policy.base_urls or annotator.engine.base_urls. The job serves until
# it is cancelled; a server that dies is left out, the others go on.
#SBATCH --job-name=maskdpo-serve
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-task=1
#SBATCH --cpus-per-task=8
#SBATCH --output=%x-%j.log
set -euo pipefail

address=${ADDRESS:-maskdpo-serve-$SLURM_JOB_ID.url}
export PROXY_PORT=${PROXY_PORT:-8000} SERVER_PORT=${SERVER_PORT:-23333}
PROXY=http://${PROXY_HOST:-$(hostname)}:$PROXY_PORT
export PROXY
rm -f "$address"
trap 'rm -f "$address"; kill $(jobs -p) 2>/dev/null || true' EXIT
trap 'exit 143' TERM

lmdeploy serve proxy --server-port "$PROXY_PORT" --disable-cache-status &
proxy=$!
# A server makes itself known once, when it starts: the proxy has to be there.
until curl --noproxy '*' -sf "$PROXY/nodes/status" >/dev/null; do
  kill -0 $proxy || exit 1
  sleep 1
done

# The name of the machine is what the proxy asks for it by.
srun --kill-on-bad-exit=0 bash -c 'exec lmdeploy serve api_server "$@" \
  --server-name "${SERVER_HOST:-$(hostname)}" --server-port $((SERVER_PORT + SLURM_LOCALID)) \
  --proxy-url "$PROXY"' serve "$@" &
servers=$!

registered() { curl --noproxy '*' -sf "$PROXY/nodes/status" | grep -o 'http://' | wc -l; }
until (($(registered) >= SLURM_NTASKS)); do
  kill -0 $servers || exit 1
  sleep 2
done
echo "$PROXY" >"$address"
echo "$SLURM_NTASKS servers at $PROXY"
wait $servers
