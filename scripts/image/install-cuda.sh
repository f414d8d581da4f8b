#!/usr/bin/env bash
# Usage: install-cuda.sh TARGET [REQUIREMENTS]
#
# Fetches what cuda-requirements.txt pins and leaves of it:
#   TARGET/lib          CUDA's and cuDNN's shared libraries
#   TARGET/providers    onnxruntime's CUDA provider, which belongs beside libonnxruntime.so.1
#   TARGET/build        the commit that provider was built from, for prove-cuda.sh
# pip refuses what has another sha256 than the requirements say, and what they do not name at all.
set -euo pipefail

target=${1:?usage: install-cuda.sh TARGET [REQUIREMENTS]}
requirements=${2:-$(dirname "$0")/cuda-requirements.txt}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The wheels of one Python are as good as another's, as only their libraries are wanted: naming the platform makes the
# choice, and so the hash, independent of the Python that runs this.
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-cache-dir --no-compile \
  --require-hashes --no-deps --only-binary=:all: \
  --python-version=3.12 --implementation=cp --abi=cp312 --abi=none \
  --platform=manylinux_2_28_x86_64 --platform=manylinux_2_27_x86_64 \
  --platform=manylinux2014_x86_64 --platform=manylinux2010_x86_64 \
  --target="$work" --requirement="$requirements"

mkdir -p "$target/lib" "$target/providers"
# A BLAS for other programs and nvrtc's second build: nothing opens them.
rm -f "$work"/nvidia/*/lib/libnvblas.so* "$work"/nvidia/*/lib/libnvrtc*.alt.so*
mv "$work"/nvidia/*/lib/*.so* "$target/lib/"
mv "$work"/onnxruntime/capi/libonnxruntime_providers_{cuda,shared}.so "$target/providers/"
grep --text --only-matching --max-count=1 'git-commit-id=[0-9a-f]*' \
  "$work"/onnxruntime/capi/libonnxruntime.so.* >"$target/build"
# The same bytes must make the same layer.
find "$target" -exec touch --date=@0 {} +
du --summarize --human-readable "$target"
