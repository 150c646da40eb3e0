#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/lint/headers_alone.sh ROOT [COMPILER]
# Every header compiles as the only line of a file, so nobody depends on include order. One that a
# source file of every build includes first has been compiled so already.
set -eu
export LC_ALL=C
cd "$1"
compiler=${2:-g++}
plain="-std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -D_GNU_SOURCE -I. -x c++"
# Only these may see DPDK's flags (decision 0003 and docs/architecture.md).
dpdk=$(pkg-config --cflags libdpdk | sed 's/-I/-isystem /g')

check() { # check HEADER FLAGS...
  header=$1
  shift
  echo "#include \"$header\"" | "$compiler" $plain "$@" - || { echo "^ $header does not compile alone"; return 255; }
}

if [ "${3:-}" = --one ]; then
  case $4 in
    dataplane/* | tests/dataplane/* | tests/fuzz/* | bench/* | tests/support/*) check "$4" $dpdk ;;
    crypto/kernels/avx512ifma/*) check "$4" -mavx512f -mavx512vl -mavx512dq -mavx512ifma ;;
    *) check "$4" ;;
  esac
  exit
fi
folders="wire config crypto dataplane controlplane bench tests"
proven=$(mktemp)
trap 'rm -f "$proven"' EXIT
find $folders -name '*.cc' -not -path 'tests/fuzz/*' -exec awk '/^#include/ { gsub(/"/, "", $2); print $2; nextfile }' {} + |
  sort -u > "$proven"
find $folders -name '*.h' | sort | comm -23 - "$proven" |
  xargs -P "$(nproc)" -n 1 "$0" "$1" "$compiler" --one
