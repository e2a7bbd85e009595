#!/bin/sh
# The addon under AddressSanitizer (with its leak check), or under valgrind. Needs root.
# Usage: soak.sh asan|valgrind ROUNDS
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
node=$root/node_modules/.bin/node
tool=$1 rounds=$2
cd "$root"

case $tool in
  asan)
    "$node" native/build.mjs --asan --required
    # Node itself does not free everything at its end: only what our code allocated counts.
    report=$(mktemp)
    trap 'rm -f -- "$report"' EXIT
    LD_PRELOAD=$(cc -print-file-name=libasan.so) \
      ASAN_OPTIONS=detect_leaks=1:exitcode=0 LSAN_OPTIONS=report_objects=0 \
      "$node" --expose-gc test/native/soak.ts "$rounds" native/build-asan 2>"$report" ||
      { cat "$report"; exit 1; }
    if grep -E 'ERROR: AddressSanitizer|runtime error' "$report"; then
      cat "$report"
      exit 1
    fi
    # Leak stacks are separated by empty lines; those through the addon or libbpf are ours.
    awk -v RS= '/native\/src|meshmend\.node|libbpf/ { ours++; print } END { exit ours > 0 }' "$report"
    echo "no leak and no wrong access in the addon or libbpf"
    ;;
  valgrind)
    "$node" native/build.mjs --required
    report=$(mktemp)
    trap 'rm -f -- "$report"' EXIT
    # Code that V8 makes at run time has to be translated again whenever it changes.
    interpreted="--no-opt --no-maglev --no-sparkplug --no-lazy-feedback-allocation"
    # shellcheck disable=SC2086 # several words
    valgrind --leak-check=full --show-leak-kinds=definite,indirect --undef-value-errors=no \
      --smc-check=all-non-file --log-file="$report" \
      "$node" $interpreted --expose-gc test/native/soak.ts "$rounds" || { cat "$report"; exit 1; }
    awk -v RS= '/native\/src|meshmend\.node|libbpf/ { ours++; print } END { exit ours > 0 }' "$report"
    tail -n 12 "$report"
    echo "no leak and no wrong access in the addon or libbpf"
    ;;
  *)
    echo "usage: soak.sh asan|valgrind ROUNDS" >&2
    exit 2
    ;;
esac
