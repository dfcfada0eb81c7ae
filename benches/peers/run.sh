#!/usr/bin/env bash
# spectriage and PyTorch side by side: the same networks, batch, threads, loss and optimizer, in turns, because machines are noisy.
#
#     benches/peers/run.sh [THREADS [ROUNDS [BATCH]]]
#
# PYTHON names a Python with torch (default python3), SPECTRIAGE the binary (default: built by cargo). Prints the rate of every round, the medians, and the
# ratios; then the loss curves of both from the same weights on the same data.
set -euo pipefail
cd "$(dirname "$0")/../.."

threads=${1:-2} rounds=${2:-5} batch=${3:-8}
python=${PYTHON:-python3}
if ! "$python" -c 'import torch' 2>/dev/null; then
    echo "no PyTorch in $python: give another with PYTHON=..., nothing was compared" >&2
    exit 0
fi
if [ -z "${SPECTRIAGE:-}" ]; then
    cargo build --release
    SPECTRIAGE=${CARGO_TARGET_DIR:-target}/release/spectriage
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for model in skip bottleneck; do
    : > "$folder/$model.jsonl"
    for _ in $(seq "$rounds"); do
        "$SPECTRIAGE" benchmark speed --model "$model" --batch "$batch" --threads "$threads" --json | tr -d '\n' >> "$folder/$model.jsonl"
        echo >> "$folder/$model.jsonl"
        "$python" benches/peers/speed.py --model "$model" --batch "$batch" --threads "$threads" >> "$folder/$model.jsonl"
    done
    "$python" - "$folder/$model.jsonl" <<'PYTHON'
import json, statistics, sys

rows = [json.loads(line) for line in open(sys.argv[1])]
for what in ("train_spectra_per_s", "reconstruct_spectra_per_s"):
    rates = {p: [r[what] for r in rows if r["program"] == p] for p in ("spectriage", "pytorch")}
    ours, peer = (statistics.median(rates[p]) for p in ("spectriage", "pytorch"))
    ratios = [a / b for a, b in zip(rates["spectriage"], rates["pytorch"])]
    every = "  ".join(f"{a:.0f}/{b:.0f}" for a, b in zip(rates["spectriage"], rates["pytorch"]))
    print(f"{rows[0]['model']:<10} {what:<26} spectriage {ours:8.1f}  pytorch {peer:8.1f}  "
          f"ratio of medians {ours / peer:5.2f}, median ratio {statistics.median(ratios):5.2f}   ({every})")
kernels = [r["kernels"] for r in rows if r["program"] == "spectriage"]
for what in ("train", "gradient", "reconstruct"):
    share = statistics.median(k[f"{what}_share_of_peak"] for k in kernels)
    print(f"{rows[0]['model']:<10} {what}: {100 * share:.0f} % of the multiply-adds that the threads can do")
PYTHON
    "$SPECTRIAGE" benchmark speed --model "$model" --batch "$batch" --threads "$threads" --epochs 10 --curve "$folder/curve" > "$folder/losses"
    "$python" benches/peers/speed.py --threads "$threads" --curve "$folder/curve"
done
