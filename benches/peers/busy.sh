#!/usr/bin/env bash
# How busy an NVIDIA GPU is while networks learn from a Parquet catalog on disk, in batches of the default size.
#
#     benches/peers/busy.sh [CATALOG] [FOLDER]
#
# Without CATALOG 20,000 spectra are simulated (914 MB). SPECTRIAGE names the binary (default: built by cargo with `--features cuda`); what stands in OPTIONS goes to
# `spectriage train`. nvidia-smi looks ten times a second. A fold begins with reading, principal components and an upload, during which nothing is learned: samples in
# which the GPU does a fifth or less are counted apart. Samples, log and files of the training go to FOLDER (default: a temporary one).
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v nvidia-smi > /dev/null || {
    echo "no nvidia-smi, so no NVIDIA GPU to look at: nothing was measured" >&2
    exit 0
}
if [ -z "${SPECTRIAGE:-}" ]; then
    cargo build --release --features cuda
    SPECTRIAGE=${CARGO_TARGET_DIR:-target}/release/spectriage
fi
catalog=${1:-} folder=${2:-$(mktemp -d)}
mkdir -p "$folder"
if [ -z "$catalog" ]; then
    catalog=$folder/simulated.parquet
    [ -e "$catalog" ] || "$SPECTRIAGE" simulate "$catalog" --count 20000
fi

nvidia-smi --id=0 --query-gpu=utilization.gpu --format=csv,noheader,nounits --loop-ms=100 > "$folder/samples.txt" &
watch=$!
trap 'kill $watch 2> /dev/null || true' EXIT
# shellcheck disable=SC2086
SPECTRIAGE_PREPARED_DIR=$folder/prepared "$SPECTRIAGE" train "$catalog" --device cuda --images-dir "$folder/images" \
    --metadata-dir "$folder/metadata" ${OPTIONS:-} 2>&1 | tee "$folder/log.txt"
kill $watch

sort -n "$folder/samples.txt" | awk '
    { all[NR] = $1; if ($1 > 20) { works[++count] = $1; sum += $1 } }
    END {
        if (!count) { print "the GPU did nothing"; exit 1 }
        printf "learning: %d samples, busy %.0f %% on average, %d %% in the median; %d samples with a fifth or less\n",
            count, sum / count, works[int((count + 1) / 2)], NR - count
    }'
echo "$folder"
