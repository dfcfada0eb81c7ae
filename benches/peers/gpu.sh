#!/usr/bin/env bash
# spectriage and PyTorch side by side on an NVIDIA GPU: the same networks, batches, loss and optimizer, one after the other.
#
#     benches/peers/gpu.sh [FOLDER]
#
# PYTHON names a Python with torch for CUDA (default python3), SPECTRIAGE the binary (default: built by cargo with `--features cuda`), CUDA_PATH a toolkit, where
# libdevice.10.bc is. Lines of JSON and the logs go to FOLDER (default: a temporary one); a table of medians over five epochs is printed. torch.compile takes minutes the
# first time, so its programs are made several at once before anything is measured.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-python3} folder=${1:-$(mktemp -d)}
batches=${BATCHES:-8 64 512 4096}
mkdir -p "$folder"
"$python" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null || {
    echo "no PyTorch that sees a GPU in $python: give another with PYTHON=..., nothing was compared" >&2
    exit 0
}
if [ -z "${SPECTRIAGE:-}" ]; then
    cargo build --release --features cuda
    SPECTRIAGE=${CARGO_TARGET_DIR:-target}/release/spectriage
fi
torch() { "$python" benches/peers/speed.py --device cuda --threads 8 "$@"; }
# Of a small batch the launches are the cost, which CUDA graphs take away.
compiled() {
    local small="" large=""
    for batch in $batches; do
        if [ "$batch" -lt 64 ]; then small+=,$batch; else large+=,$batch; fi
    done
    [ -z "$small" ] || torch --compile --precision tf32 --mode reduce-overhead --batch "${small:1}" "$@"
    [ -z "$large" ] || torch --compile --precision tf32 --batch "${large:1}" "$@"
}
spectra() { echo $(($1 * 2 > 1024 ? $1 * 2 : 1024)); }

export TORCHINDUCTOR_CACHE_DIR=$folder/inductor TORCHINDUCTOR_FX_GRAPH_CACHE=1
for model in skip bottleneck; do
    compiled --model "$model" --spectra 4096 --epochs 1 > "$folder/compile_$model.log" 2>&1 &
done
wait
: > "$folder/speed.jsonl"
for model in skip bottleneck; do
    for batch in $batches; do
        count=$(spectra "$batch")
        "$SPECTRIAGE" benchmark speed --device cuda --model "$model" --batch "$batch" --spectra "$count" --json | tr -d '\n' >> "$folder/speed.jsonl"
        echo >> "$folder/speed.jsonl"
    done
    torch --model "$model" --batch "${batches// /,}" >> "$folder/speed.jsonl" 2>> "$folder/torch.log"
    torch --model "$model" --batch "${batches// /,}" --only reconstruct --pageable >> "$folder/speed.jsonl" 2>> "$folder/torch.log"
    compiled --model "$model" >> "$folder/speed.jsonl" 2>> "$folder/torch.log" || true
    compiled --model "$model" --only reconstruct --pageable >> "$folder/speed.jsonl" 2>> "$folder/torch.log" || true
done
"$python" - "$folder/speed.jsonl" <<'PYTHON'
import json, sys

rows = [json.loads(line) for line in open(sys.argv[1])]
for what in ("train", "reconstruct"):
    # From ordinary memory, as spectra come from a file, spectriage always reconstructs.
    reconstruct = what == "reconstruct"
    print(f"{what + ' (spectra/s)':<23} batch  spectriage   eager  compiled, tf32  ratio to eager  ratio to the best" + " | from ordinary memory: eager  compiled  ratio to the best" * reconstruct)
    for model in ("skip", "bottleneck"):
        for batch in sorted({row["batch"] for row in rows}):
            of = lambda program, compiled=False, pageable=False: next(
                (r[f"{what}_spectra_per_s"] for r in rows
                 if (r["program"], r["model"], r["batch"]) == (program, model, batch) and r[f"{what}_spectra_per_s"]
                 and bool(r.get("compile")) == compiled and bool(r.get("pageable")) == pageable), float("nan"))
            ours = of("spectriage")
            cells = []
            for pageable in (False, True):
                ways = of("pytorch", False, pageable), of("pytorch", True, pageable)
                cells.append((*ways, ours / max((rate for rate in ways if rate == rate), default=float("nan"))))
            (eager, compiled, best), (eager_there, compiled_there, best_there) = cells
            print(f"{model:<18} {batch:>10} {ours:>11.0f} {eager:>7.0f} {compiled:>15.0f} {ours / eager:>15.2f} {best:>18.2f}" + f" | {eager_there:>27.0f} {compiled_there:>9.0f} {best_there:>18.2f}" * reconstruct)
PYTHON
echo "$folder"
