#!/bin/sh
# The figures of a machine with an NVIDIA GPU: encoder by length, retrieval quality, the whole pipeline.
#
#   benches/gpu.sh RETRIEVAL_FOLDER [OUT_FOLDER]
#
# RETRIEVAL_FOLDER holds collections in the BEIR layout. Needs `lsearch` and the `device` bench built in
# release (cargo build --release; cargo bench -p lsearch --bench device --no-run), or named by LSEARCH and
# DEVICE_BENCH on a machine without cargo. DEVICE=cpu tries the script itself.
set -eu
data=$1
out=${2:-$(mktemp -d)}
here=$(cd "$(dirname "$0")/.." && pwd)
lsearch=${LSEARCH:-$here/target/release/lsearch}
bench=${DEVICE_BENCH:-$(ls -t "$here"/target/release/deps/device-* | grep -v '\.d$' | head -n 1)}
device=${DEVICE:-cuda}
encoders=$here/engine/encoders
mkdir -p "$out"
export LSEARCH_DATA_DIR="$out/data"
export XDG_CACHE_HOME="$out/cache"

echo "== device"
nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader 2>/dev/null || echo "no nvidia-smi"
"$lsearch" setup --device "$device"

echo "== encoder alone, tokens/s through the engine, against attention in windows"
"$bench" --device "$device" --lengths "${LENGTHS:-512,2048,8192,32768}" \
    "$encoders/monarch-32k-384" "$encoders/minilm-l6-384"

echo "== retrieval quality by signal: document, passage, both, and the modes"
for weights in 0,1,0 0,0,1 0,1,1; do
    echo "-- weights $weights (keyword, document, passage)"
    "$lsearch" -v eval "$data" --device "$device" --mode hybrid --weights "$weights"
done
"$lsearch" eval "$data" --device "$device"

echo "== whole pipeline: the same documents as files, text in, vectors durable"
python3 - "$data" "$out/files" <<'PYTHON'
import json, pathlib, subprocess, sys
data, out = map(pathlib.Path, sys.argv[1:])
for corpus in sorted(data.glob("*/corpus.jsonl.zst")) + sorted(data.glob("corpus.jsonl.zst")):
    folder = out / corpus.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    lines = subprocess.run(["zstd", "-dc", corpus], capture_output=True, check=True).stdout
    for number, line in enumerate(lines.decode("utf-8").split("\n")):
        if line:
            row = json.loads(line)
            text = f"{row.get('title') or ''}\n\n{row['text']}"
            (folder / f"{number}.txt").write_text(text, encoding="utf-8")
PYTHON
"$lsearch" -v add "$out/files" --device "$device"
"$lsearch" status
