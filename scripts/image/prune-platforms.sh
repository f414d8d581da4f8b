#!/usr/bin/env bash
# Usage: prune-platforms.sh NODE_MODULES
#
# Removes every native library that cannot run on linux-x64 with glibc: onnxruntime-node carries those of five platforms
# in one package, and a lock file made on another machine may bring sharp's of several.
set -euo pipefail

modules=${1:?usage: prune-platforms.sh NODE_MODULES}
runtime="$modules/onnxruntime-node/bin/napi-v6"
kept=("$runtime/linux/x64" "$modules/@img/sharp-linux-x64" "$modules/@img/sharp-libvips-linux-x64")

for folder in "${kept[@]}"; do
  if [[ ! -d $folder ]]; then
    echo "prune-platforms: $folder is missing, so the worker could not run here" >&2
    exit 1
  fi
done

is_kept() {
  local folder
  for folder in "${kept[@]}"; do
    if [[ $1 == "$folder" ]]; then return 0; fi
  done
  return 1
}

for folder in "$runtime"/*/* "$modules"/@img/sharp-*; do
  is_kept "$folder" || rm -rf "$folder"
done
find "$runtime" -mindepth 1 -maxdepth 1 -type d -empty -delete
