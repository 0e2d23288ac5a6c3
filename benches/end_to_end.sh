#!/usr/bin/env bash
# Whole-process figures for a folder: keyword-ready and fully-ready times with peak memory, a second add of the
# unchanged folder, and cold searches.   Usage: benches/end_to_end.sh FOLDER [QUERY…]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
lsearch=$root/target/release/lsearch
folder=${1:?"usage: benches/end_to_end.sh FOLDER [QUERY...]"}
shift
queries=("$@")
[ ${#queries[@]} -gt 0 ] || queries=("termination for convenience" "who pays for damage" "liability")
[ -x "$lsearch" ] || { echo "build first: cargo build --release" >&2; exit 2; }

data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
export LSEARCH_DATA_DIR=$data

# timed LABEL COMMAND...: wall-clock seconds, CPU seconds and peak resident memory of the largest process.
timed() {
  local label=$1
  shift
  python3 - "$label" "$@" <<'PY'
import os, resource, subprocess, sys, time
label, command = sys.argv[1], sys.argv[2:]
start = time.monotonic()
code = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
wall = time.monotonic() - start
use = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{label:34} {wall:9.2f} s wall {use.ru_utime + use.ru_stime:9.2f} s CPU {use.ru_maxrss / 1024:7.0f} MiB peak  exit {code}")
PY
}

timed "add --no-wait (keyword-ready)" "$lsearch" add --no-wait "$folder"
timed "add (fully ready)" "$lsearch" add "$folder"
timed "add, unchanged" "$lsearch" add "$folder"
for query in "${queries[@]}"; do
  for mode in keyword hybrid; do
    for run in 1 2 3 4 5; do
      timed "search $mode, cold, run $run" "$lsearch" search --mode "$mode" "$query"
    done
  done
done
"$lsearch" status
