#!/usr/bin/env bash
# Usage: prove-libraries.sh [--but NAME]... PATH...
#
# Proves with ldd that every shared library and addon below the paths finds all it is linked to, here and now; NAMEs
# may be missing. A library that is not there would otherwise show first on a GPU, in production.
set -euo pipefail

allowed=()
while [[ ${1:-} == --but ]]; do
  allowed+=("$2")
  shift 2
done
: "${1:?usage: prove-libraries.sh [--but NAME]... PATH...}"

is_allowed() {
  local name
  for name in ${allowed[@]+"${allowed[@]}"}; do
    if [[ $1 == *"$name => not found"* ]]; then return 0; fi
  done
  return 1
}

proven=0
broken=0
while IFS= read -r file; do
  proven=$((proven + 1))
  # ldd ends with an error where a version of a symbol is missing, and says which.
  links=$(ldd "$file" 2>&1) || true
  while IFS= read -r line; do
    if is_allowed "$line"; then continue; fi
    echo "prove-libraries: $file:${line#"$file:"}" >&2
    broken=1
  done < <(grep 'not found' <<<"$links" || true)
done < <(find "$@" -type f \( -name '*.so' -o -name '*.so.*' -o -name '*.node' -o -path '*/bin/node' \))

if ((proven == 0)); then
  echo "prove-libraries: there is no library below $*" >&2
  exit 1
fi
if ((broken)); then exit 1; fi
echo "prove-libraries: $proven libraries find all they need"
