#!/bin/sh
# The figures of a machine with an NVIDIA GPU: encoder by length, retrieval quality, the whole pipeline.
#
#   benches/gpu.sh RETRIEVAL_FOLDER [OUT_FOLDER]
#
# RETRIEVAL_FOLDER holds collections in the BEIR layout. Needs `lsearch` and the `device` bench built in
# release (cargo build --release; cargo bench -p lsearch --bench device --no-run), or named by LSEARCH and
# DEVICE_BENCH on a machine without cargo. DEVICE=cpu tries the script itself.
#
# ATTENTION_BUNDLE is the encoder with attention to compare with; left out, it is the teacher, which
# `python export_minilm.py` in engine/training builds. Without it the encoder is measured alone.
set -eu
data=$1
here=$(cd "$(dirname "$0")/.." && pwd)
lsearch=${LSEARCH:-$here/target/release/lsearch}
bench=${DEVICE_BENCH:-$(ls -t "$here"/target/release/deps/device-* | grep -v '\.d$' | head -n 1)}
device=${DEVICE:-cuda}
encoder=$here/engine/encoders/monarch-32k-384
attention=${ATTENTION_BUNDLE:-$here/engine/training/teacher/minilm-l6-384}
if [ ! -f "$attention/manifest.json" ]; then
    if [ -n "${ATTENTION_BUNDLE:-}" ]; then
        echo "ATTENTION_BUNDLE=$attention: no encoder bundle lies there" >&2
        exit 2
    fi
    echo "no comparison with attention: build it (python export_minilm.py in engine/training)" \
        "or name a bundle in ATTENTION_BUNDLE" >&2
    attention=
fi
# What the collections are unpacked with; better missed now than after all that comes before.
if ! command -v zstd >/dev/null && ! python3 -c "import zstandard" 2>/dev/null; then
    echo "the collections are compressed: install zstd, or Python's zstandard (pip install zstandard)" >&2
    exit 2
fi
out=${2:-$(mktemp -d)}
mkdir -p "$out"
export LSEARCH_DATA_DIR="$out/data"
export XDG_CACHE_HOME="$out/cache"

echo "== device"
nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader 2>/dev/null || echo "no nvidia-smi"
"$lsearch" setup --device "$device"

echo "== encoder alone, tokens/s through the engine${attention:+, against attention in windows}"
"$bench" --device "$device" --lengths "${LENGTHS:-512,2048,8192,32768}" \
    "$encoder" ${attention:+"$attention"}

echo "== retrieval quality by signal: document, passage, both, and the modes"
for weights in 0,1,0 0,0,1 0,1,1; do
    echo "-- weights $weights (keyword, document, passage)"
    "$lsearch" -v eval "$data" --device "$device" --mode hybrid --weights "$weights"
done
"$lsearch" eval "$data" --device "$device"

echo "== whole pipeline: the same documents as files, text in, vectors durable"
python3 - "$data" "$out/files" <<'PYTHON'
import json, pathlib, shutil, subprocess, sys

def unpacked(path):
    if shutil.which("zstd"):
        return subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout
    import zstandard
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()

data, out = map(pathlib.Path, sys.argv[1:])
for corpus in sorted(data.glob("*/corpus.jsonl.zst")) + sorted(data.glob("corpus.jsonl.zst")):
    folder = out / corpus.parent.name
    folder.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(unpacked(corpus).decode("utf-8").split("\n")):
        if line:
            row = json.loads(line)
            text = f"{row.get('title') or ''}\n\n{row['text']}"
            (folder / f"{number}.txt").write_text(text, encoding="utf-8")
PYTHON
"$lsearch" -v add "$out/files" --device "$device"
"$lsearch" status
