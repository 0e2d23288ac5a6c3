#!/usr/bin/env bash
# Makes what is handed out: a release archive and, where cargo-deb is installed, a Debian package, both with the
# manual pages, completions, the systemd user unit and ONNX Runtime, so that they need no network.
#
#   cli/packaging/package.sh [FOLDER]      # default: target/package
#
# The same commit gives the same files: paths are mapped away, times are those of the commit.
#   cargo install cargo-deb --locked --version 3.8.0
set -euo pipefail
cd "$(dirname "$0")/../.."

out=${1:-target/package}
if [ -n "$(git status --porcelain)" ]; then
  echo "package.sh: there are changes that are not committed; a package tells its commit" >&2
  exit 2
fi
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
host=$(rustc -vV | sed -n 's/^host: //p')
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
mkdir -p "$out"
out=$(cd "$out" && pwd)
stage=$out/stage
name=lsearch-$version-$host

echo "building" >&2
registry=${CARGO_HOME:-$HOME/.cargo}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target/release-build}
export RUSTFLAGS="--remap-path-prefix=$registry=/cargo --remap-path-prefix=$PWD=/lsearch"
export CFLAGS="-ffile-prefix-map=$registry=/cargo -ffile-prefix-map=$CARGO_TARGET_DIR=/target"
export CXXFLAGS=$CFLAGS
cargo build --release --locked --bin lsearch
unset RUSTFLAGS CFLAGS CXXFLAGS

echo "collecting" >&2
rm -rf "$stage"
install -D "$CARGO_TARGET_DIR/release/lsearch" "$stage/bin/lsearch"
lsearch=$stage/bin/lsearch
share=$stage/share
mkdir -p "$share"/{man/man1,bash-completion/completions,zsh/site-functions,fish/vendor_completions.d,doc/lsearch}
"$lsearch" manual "$share/man/man1" >/dev/null
gzip -9n "$share"/man/man1/*.1
"$lsearch" completions bash >"$share/bash-completion/completions/lsearch"
"$lsearch" completions zsh >"$share/zsh/site-functions/_lsearch"
"$lsearch" completions fish >"$share/fish/vendor_completions.d/lsearch.fish"
mkdir -p "$stage/lib/systemd/user"
"$lsearch" daemon install --print | sed 's|^ExecStart="[^"]*"|ExecStart="/usr/bin/lsearch"|' \
  >"$stage/lib/systemd/user/lsearch.service"
cp README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$share/doc/lsearch/"
cp -r docs "$share/doc/lsearch/docs"
cp engine/encoders/*/NOTICE "$share/doc/lsearch/NOTICE.encoder"

# The library that `lsearch setup` would fetch (its length and sha256 are pinned), and the notices of its wheel.
fetched=$out/onnxruntime
"$lsearch" --data-dir "$fetched" setup --force >/dev/null
library=$(find "$fetched/runtime" -name 'libonnxruntime.*.[0-9]*' | sort | tail -1)
install -D -m 644 "$library" "$stage/lib/lsearch/$(basename "$library")"
onnxruntime=$(basename "$(dirname "$library")")
python3 -m pip download -q --no-deps --only-binary :all: -d "$fetched" "${onnxruntime/-/==}"
python3 - "$fetched"/onnxruntime-*.whl "$share/doc/lsearch" <<'PYTHON'
import sys
import zipfile

wheel, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    for name, shown in (("LICENSE", "LICENSE.onnxruntime"), ("ThirdPartyNotices.txt", "NOTICES.onnxruntime")):
        with open(f"{folder}/{shown}", "wb") as file:
            file.write(archive.read(f"onnxruntime/{name}"))
PYTHON
find "$stage" -type d -exec chmod 755 {} + -o -type f ! -path "$stage/bin/*" -exec chmod 644 {} +

echo "packing" >&2
tar -C "$stage" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
  --transform "s|^\.|$name|" -cf - . | gzip -9n >"$out/$name.tar.gz"
made=("$name.tar.gz")
if cargo deb --version >/dev/null 2>&1; then
  rm -rf cli/packaging/stage
  trap 'rm -f cli/packaging/stage' EXIT
  ln -s "$stage" cli/packaging/stage
  deb=$(cargo deb -p lsearch --no-build --no-strip --output "$out" -q | tail -1)
  made+=("$(basename "$deb")")
else
  echo "package.sh: no Debian package, as cargo-deb is not installed" >&2
fi
cd "$out"
sha256sum "${made[@]}" | tee SHA256SUMS
