#!/usr/bin/env bash
# Usage: prove-cuda.sh CUDA ONNXRUNTIME
#
# CUDA is what install-cuda.sh made, ONNXRUNTIME the folder of libonnxruntime.so.1 with the providers beside it. Proves
# as much as can be without a GPU:
#   1. both halves of onnxruntime were built from one commit;
#   2. what is opened by name at run time, which ldd cannot see, is there: without cuDNN onnxruntime would not fail, it
#      would be slow;
#   3. every library finds all it is linked to. Only libcuda.so.1 may be missing: it belongs to the host's driver.
set -euo pipefail

cuda=${1:?usage: prove-cuda.sh CUDA ONNXRUNTIME}
runtime=${2:?usage: prove-cuda.sh CUDA ONNXRUNTIME}

wanted=$(<"$cuda/build")
built=$(grep --text --only-matching --max-count=1 'git-commit-id=[0-9a-f]*' "$runtime/libonnxruntime.so.1" || true)
if [[ -z $wanted || $built != "$wanted" ]]; then
  echo "prove-cuda: libonnxruntime.so.1 is of ${built:-no known commit}, its CUDA provider of ${wanted:-none}" >&2
  exit 1
fi

for file in "$runtime"/libonnxruntime_providers_{cuda,shared}.so "$cuda"/lib/lib{cudnn.so.9,nvrtc.so.13}; do
  if [[ ! -e $file ]]; then
    echo "prove-cuda: $file is missing" >&2
    exit 1
  fi
done

LD_LIBRARY_PATH="$cuda/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" \
  bash "$(dirname "$0")/prove-libraries.sh" --but libcuda.so.1 "$cuda" "$runtime"
