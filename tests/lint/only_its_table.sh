#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/lint/only_its_table.sh LIBRARY
# A kernel library may export its KernelTable and what its own lanes files call of each other (strong
# functions of its namespace), and nothing else: a weak symbol compiled with -mavx512* could be the
# copy the linker keeps for the whole program, which then dies on a lesser CPU.
found=$(nm --defined-only --extern-only -C "$1" 2>/dev/null | grep -v ':$' | grep -v '^$' | grep -v 'crypto::kKernel' |
  grep -v ' T crypto::avx512ifma::')
[ -z "$found" ] || {
  echo "$1 exports more than its table:"
  echo "$found"
  exit 1
}
