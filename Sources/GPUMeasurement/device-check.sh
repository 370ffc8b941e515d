#!/bin/bash
# Measures a recorded trace on the machine's GPU and replays it from the measurements.
#
# Needs python3 with triton 3.6.0, and in .carry/ the program `reprise` (static, stripped) with the
# package `reprise_kernels` beside it; OUT is the folder for results. Run from the repository's root.
set -uo pipefail
: "${OUT:=/tmp/reprise-check}"
mkdir -p "$OUT"
program=.carry/reprise
trace=traces/h200/mistral-small-24b-random-qps5.always-2d.reprise
policies=always-2d,always-3d,vllm-0.33,fastest
nvidia-smi --query-gpu=name,driver_version,clocks.sm,memory.used --format=csv || true
PYTHONPATH=.carry python3 -m reprise_kernels build --arch sm_90 --model mistral-small-24b \
  --variant triton-2d --variant triton-3d-16 --output /tmp/k
export TIMEFORMAT='wall %R s, user %U s, system %S s'
echo '== measure'
time $program measure "$trace" --policy always-2d,vllm-0.33 \
  --measurements "$OUT/store.sqlite" --kernels /tmp/k
echo '== replay from the measurements, with the GPU'
time $program replay "$trace" --policy $policies --timing gpu \
  --measurements "$OUT/store.sqlite" --kernels /tmp/k --format json > "$OUT/gpu.json"
echo '== replay from nothing, measuring on the way'
time $program replay "$trace" --policy $policies --timing gpu --kernels /tmp/k > "$OUT/fresh.txt"
cat "$OUT/fresh.txt"
echo '== rescheduled, the scheduler asks and the GPU answers'
time $program replay "$trace" --policy $policies --timing gpu --batches rescheduled \
  --measurements "$OUT/store.sqlite" --kernels /tmp/k > "$OUT/rescheduled.txt"
head -40 "$OUT/rescheduled.txt"
echo '== the same report without a GPU'
time CUDA_VISIBLE_DEVICES='' $program replay "$trace" --policy $policies --timing gpu \
  --measurements "$OUT/store.sqlite" --format json > "$OUT/store.json"
test -s "$OUT/gpu.json" && cmp "$OUT/gpu.json" "$OUT/store.json" && echo 'equal'
ls -l "$OUT"
