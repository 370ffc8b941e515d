#!/bin/bash
# Tests and measures on the machine's GPU what README.md beside this file promises.
#
# Needs python3 with triton 3.6.0 (and torch for `memory`), and in DEVICE the program `reprise` (static,
# stripped) with the package `reprise_kernels` beside it, and `reprise_providers` for `providers`, which
# also needs vLLM; RESULTS is the folder for what comes out. Run from the repository's root. PARTS names
# parts to run, each of which runs alone too; `replays` and `export` take four minutes each, for all
# traces. Where DEVICE has a folder `kernels` that `reprise_kernels build --arch sm_90 --everything` has
# written elsewhere, nothing is compiled here.
set -uo pipefail
: "${RESULTS:=/tmp/reprise-check}" "${DEVICE:=device}"
: "${PARTS:=selftest replays export plan latent bad sanitizer memory growth providers experiments}"
: "${SERVING_SECONDS:=300}" # the longest that the experiment of serving may take
PATH=$PATH:/usr/local/cuda/bin # compute-sanitizer's
# cuBLAS, which computes the product before decode batches: PyTorch's packages bring it along.
cublas=$(python3 -c 'import nvidia, pathlib
print(next((str(f.parent) for p in nvidia.__path__ for f in pathlib.Path(p).rglob("libcublas.so.1[23]")), ""))' 2>/dev/null || true)
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$cublas
mkdir -p "$RESULTS"
exec > >(tee "$RESULTS/log.txt") 2>&1
work=$(mktemp -d)
results=$work/results
mkdir -p "$results"
program=$DEVICE/reprise
kernels=$work/kernels
h200=traces/h200
qps5=$h200/mistral-small-24b-random-qps5.vllm-default.reprise
four=always-2d,always-3d,vllm-0.33,fastest
# What the rules of every release, and their bounds, choose from.
rules=always-2d,always-3d,vllm-0.9.2,vllm-0.13,vllm-0.33,fastest
began=$(date +%s)
part() { [[ " $PARTS " == *" $1 "* ]] && printf '\n== %s (%s s)\n' "$1" $(($(date +%s) - began)); }
# NAME SECONDS COMMAND…: its output, its exit code, and its wall time.
run() {
  local name=$1 limit=$2 start
  shift 2
  printf '\n-- %s\n' "$name"
  start=$(date +%s.%N)
  timeout "$limit" "$@"
  local code=$?
  echo "exit $code, wall $(python3 -c "print(round($(date +%s.%N) - $start, 3))") s"
}
save() { tar -C "$work" -czf "$RESULTS/results.tar.gz" results; }

nvidia-smi --query-gpu=name,driver_version,clocks.sm,memory.used --format=csv || true
if [[ -d $DEVICE/kernels/sm_90 ]]; then
  kernels=$DEVICE/kernels
else
  run 'compile for sm_90' 150 env PYTHONPATH="$DEVICE" python3 -m reprise_kernels build --arch sm_90 \
    --everything --jobs 16 --output "$kernels"
fi

if part selftest; then
  run 'selftest' 180 "$program" kernels selftest --kernels "$kernels" --seed 20261123 |
    tee "$results/selftest.txt"
fi

if part replays; then
  # From nothing each: starting up, loading kernels, measuring, replaying, reporting.
  for trace in "$h200"/*.vllm-default.reprise; do
    workload=$(basename "$trace" .vllm-default.reprise)
    for batches in recorded rescheduled; do
      name=$workload.$batches
      start=$(date +%s.%N)
      timeout 120 "$program" replay "$trace" --policy $four --batches $batches --timing gpu \
        --kernels "$kernels" --format json >"$results/$name.json" 2>"$results/$name.stderr"
      echo "$name exit $? wall $(python3 -c "print(round($(date +%s.%N) - $start, 3))")" |
        tee "$results/$name.wall"
      cat "$results/$name.stderr"
    done
  done
  save
fi

if part export; then
  for model in mistral-small-24b-random mistral-small-24b-mooncake llama-3.1-8b; do
    store=$work/$model.sqlite
    for batches in recorded rescheduled; do
      run "measure $model $batches" 150 "$program" measure "$h200/$model"*.always-2d.reprise \
        "$h200/$model"*.vllm-default.reprise --policy $rules --batches $batches \
        --measurements "$store" --kernels "$kernels"
    done
    run "export $model" 60 "$program" measure --measurements "$store" --medians \
      --export "$RESULTS/$model.jsonl.zst"
  done
  store=$work/mistral-small-24b-random.sqlite
  for batches in recorded rescheduled; do
    call=("$program" replay "$qps5" --policy $four --batches $batches --timing gpu --format json)
    "${call[@]}" --measurements "$store" --kernels "$kernels" >"$work/gpu.json"
    CUDA_VISIBLE_DEVICES='' "${call[@]}" --measurements "$store" >"$work/store.json"
    CUDA_VISIBLE_DEVICES='' "${call[@]}" --measurements "$RESULTS/mistral-small-24b-random.jsonl.zst" \
      >"$work/export.json"
    test -s "$work/gpu.json" && cmp "$work/gpu.json" "$work/store.json" &&
      cmp "$work/gpu.json" "$work/export.json" &&
      echo "$batches: the same bytes from GPU, store and export"
  done
  save
fi

if part plan; then
  for plan in 'fit 1 400' 'held-out 2 200'; do
    set -- $plan
    run "sample plan $2" 120 "$program" measure --sample-plan "$2" --count "$3" \
      --policy always-2d,always-3d --measurements "$work/$1.sqlite" --kernels "$kernels"
    "$program" measure --measurements "$work/$1.sqlite" --medians --export "$RESULTS/plan-$1.jsonl.zst"
  done
fi

if part latent; then
  latent=(--engine deepseek-v3@nvidia-h200 --kernels "$kernels"
    --policy vllm-mla-4-splits,vllm-19774,vllm-mla-0.33,vllm-mla-0.33-eager --measurements "$work/latent.sqlite")
  run 'MLA batches' 60 "$program" measure "${latent[@]}" --rows 1024 --rows 8192 --rows 16384 \
    --rows '16384*8' --rows '4096*32' --rows '1000*128'
  run 'MLA 4 splits and more of the kernel of today' 60 "$program" measure \
    --engine deepseek-v3@nvidia-h200 --kernels "$kernels" --measurements "$work/latent.sqlite" \
    --policy vllm-mla-0.33 --sample-plan 3 --count 20
  # One row of DeepSeek-V3 over 4 GPUs: what `analysis/latent_points.py` makes mla-h200.json of.
  cat >"$work/tp4.yaml" <<'YAML'
base: deepseek-v3@nvidia-h200
name: deepseek-v3-over-4
tensor_parallel: 4
kv_cache_tokens: 262144
YAML
  single=()
  for tokens in 128 512 1024 2048 4096 8192 12500 16384 25000 32768 50000 65536; do
    single+=(--rows "$tokens")
  done
  run 'MLA of one row over 4 GPUs' 60 "$program" measure "${single[@]}" --engine "$work/tp4.yaml" \
    --policy vllm-mla-4-splits,vllm-19774,vllm-mla-0.33,vllm-mla-0.33-eager --kernels "$kernels" \
    --measurements "$work/latent.sqlite"
  "$program" measure --measurements "$work/latent.sqlite" --medians \
    --export "$RESULTS/latent.jsonl.zst"
  run 'MLA beyond 32-bit offsets' 20 "$program" measure --engine deepseek-v3@nvidia-h200 \
    --policy vllm-mla-0.33 --rows '140000,100*1000' --kernels "$kernels" \
    --measurements "$work/latent.sqlite"
fi

if part bad; then
  run 'no device' 20 env CUDA_VISIBLE_DEVICES='' "$program" kernels selftest --kernels "$kernels"
  run 'kernels not built' 20 "$program" kernels selftest --kernels "$work/none"
  cp -r "$kernels" "$work/wrong"
  sed -i 's/"architecture": "sm_90"/"architecture": "sm_80"/' "$work/wrong/sm_90/manifest.json"
  run 'kernels of another architecture' 20 "$program" kernels selftest --kernels "$work/wrong"
  cp -r "$kernels" "$work/damaged"
  for cubin in "$work"/damaged/sm_90/*.cubin; do printf 'X' | dd of="$cubin" bs=1 seek=999 conv=notrunc status=none; done
  run 'damaged cubins' 20 "$program" kernels selftest --kernels "$work/damaged"
  # A kernel that takes queries for its block table reads wherever they point.
  cp -r "$kernels" "$work/illegal"
  sed -i 's/"name": "block_table"/"name": "query"/' "$work/illegal/sm_90/manifest.json"
  # A store that holds something before: what `export` has measured, or one batch.
  cp "$work/mistral-small-24b-random.sqlite" "$work/illegal.sqlite" 2>/dev/null ||
    run 'measure before' 60 "$program" measure --rows '700*4' --policy always-2d \
      --measurements "$work/illegal.sqlite" --kernels "$kernels"
  for attempt in first second; do
    run "illegal access, $attempt attempt" 60 "$program" measure --rows '700*3' --policy always-2d \
      --measurements "$work/illegal.sqlite" --kernels "$work/illegal"
  done
  whole() { python3 - "$1" <<'PYTHON'
import sqlite3, sys
store = sqlite3.connect(sys.argv[1])
count = store.execute("select count(*) from measurement").fetchone()[0]
print(sys.argv[1].rsplit("/", 1)[1], count, "measurements,", store.execute("pragma integrity_check").fetchone()[0])
PYTHON
  }
  whole "$work/illegal.sqlite"
  echo '-- two processes on one store'
  pids=()
  for batches in recorded rescheduled; do
    timeout 60 "$program" measure "$h200/mistral-small-24b-random-qps1.vllm-default.reprise" \
      --policy $four --batches $batches --measurements "$work/shared.sqlite" --kernels "$kernels" &
    pids+=($!)
  done
  wait "${pids[@]}"
  whole "$work/shared.sqlite"
  echo '-- a model that no profile knows'
  "$program" trace export "$qps5" --format steps-jsonl |
    sed 's/"mistral-small-24b"/"nobody-knows-7b"/' |
    "$program" record - --output "$work/unknown.reprise"
  run 'measure without a profile' 60 "$program" measure "$work/unknown.reprise" \
    --policy always-2d --measurements "$work/unknown.sqlite" --kernels "$kernels"
fi

if part sanitizer; then
  if command -v compute-sanitizer >/dev/null; then
    for variant in triton-2d triton-3d-16 triton-mla triton-mla-pages; do
      run "compute-sanitizer on $variant" 60 compute-sanitizer --tool memcheck --error-exitcode 7 \
        "$program" kernels selftest --kernels "$kernels" --quick --variant $variant --seed 1
    done
  else
    echo 'no compute-sanitizer here'
  fi
fi

if part memory; then
  short=$work/short
  # 16 rows of 2,048 tokens: 128 MiB of KV, of which two copies exceed four L2 caches.
  run 'in what is left of the GPU' 90 python3 "$(dirname "$0")/short_memory.py" \
    "$program measure --rows '2048*16' --policy always-2d --kernels $kernels --measurements $short-{left}.sqlite" \
    "$program measure $h200/mistral-small-24b-random-qps1.vllm-default.reprise --policy $four \
    --kernels $kernels --measurements $short-trace-{left}.sqlite"
fi

if part growth; then
  policies=always-2d
  for more in '' ,always-3d ,vllm-0.33 ,fastest; do
    policies=$policies$more
    run "policies $policies" 60 "$program" replay "$qps5" --policy "$policies" --timing gpu \
      --kernels "$kernels" --format json >"$work/text" 2>&1
    echo "policies $policies: $(grep -ao 'steps": [0-9]*' "$work/text" | head -1)"
    grep -a '^reprise: measured\|^exit' "$work/text"
  done
  for requests in 20 40 80 160; do
    run "requests $requests" 60 "$program" replay "$qps5" --policy $four --timing gpu \
      --batches rescheduled --max-requests $requests --kernels "$kernels" --format json \
      >"$work/text" 2>&1
    echo "requests $requests: $(grep -ao 'steps": [0-9]*' "$work/text" | head -1)"
    grep -a '^reprise: measured\|^exit' "$work/text"
  done
fi

if part providers; then
  export PYTHONPATH=$DEVICE${PYTHONPATH:+:$PYTHONPATH}
  package=$(python3 -m reprise_providers list | sed -n 's|^\(vllm-[^/]*\)/triton-mla .*|\1|p')
  provider=(--timing gpu --kernels "$kernels" --measurements "$work/providers.sqlite"
    --provider 'python3 -m reprise_providers')
  mla=vllm-mla-0.33-eager@$package,vllm-mla-0.33-eager,vllm-mla-4-splits
  # Decode behind contexts of 25,000 and 50,000 tokens, as the experiment has them; then prompts too.
  "$program" experiment vllm-19774-mla --output "$work/mla" >"$work/text" || cat "$work/text"
  for context in 25000 50000; do
    run "MLA behind $context tokens" 60 "$program" replay "$work/mla/context-$context/trace.reprise" \
      --policy "$mla,fastest:$package/triton-mla-4,$package/triton-mla-64,$package/triton-mla-128" \
      "${provider[@]}"
  done
  "$program" generate random --prompt 4000 --output-tokens 64 --rate 4 --requests 24 --seed 1 \
    --output "$work/mla.reprise"
  run 'MLA rescheduled' 90 "$program" replay "$work/mla.reprise" --engine deepseek-v3@nvidia-h200 \
    --batches rescheduled --policy "$mla" "${provider[@]}"
  "$program" measure "$work/mla/context-50000/trace.reprise" --policy "vllm-mla-0.33-eager@$package" \
    --plan "$work/check.jsonl"
  run 'MLA of the package against float64' 30 python3 -m reprise_providers check "$work/check.jsonl"
fi

if part experiments; then
  store=(--timing gpu --kernels "$kernels" --measurements "$work/experiments.sqlite")
  run 'regret' 30 "$program" regret "$qps5" --policy vllm-0.33 "${store[@]}"
  run 'tune' 30 "$program" tune "$qps5" --held-out "${qps5/qps5/qps7}" "${store[@]}"
  for name in vllm-19774-mla vllm-19152-latency vllm-19152-serving; do
    limit=300
    [[ $name == *serving ]] && limit=$SERVING_SECONDS
    run "experiment $name" "$limit" "$program" experiment "$name" --output "$work/$name" "${store[@]}"
  done
  save
fi

save
echo "all parts: $(($(date +%s) - began)) s"
ls -l "$RESULTS"
