#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/bench/overlay_bench_test.sh OVERLAY_BENCH
# Small rings from end to end: table, verdict, CSV and plots; and what it says to wrong options.
set -eu
bench=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
fail() {
  echo "$1" >&2
  exit 1
}

run() {
  status=0
  "$bench" --nodes 50,100 --minutes 1 --settle 1 --lookups 50 --csv "$out/$1.csv" --svg "$out/$1-" \
    >"$out/$1" || status=$?
  # In so small rings everybody is linked to nearly everybody; their verdict may go either way.
  [ "$status" -le 1 ] || fail "overlay_bench ended with $status: $(cat "$out/$1")"
}
run first
cat "$out/first"
grep -qE '^ +50 +linked ' "$out/first" || fail 'no row of 50 nodes'
grep -q '^messages .*: O(log N)$' "$out/first" || fail 'no verdict on messages'
[ "$(wc -l <"$out/first.csv")" = 3 ] || fail 'the CSV has not a head and two rows'
grep -q '^50,linked,1,' "$out/first.csv" || fail 'no CSV row of 50 nodes'
for plot in messages memory; do
  grep -q '^</svg>$' "$out/first-$plot.svg" || fail "no plot of $plot"
done

# One seed, one ring: all but times and bytes of memory, which hang on the heap.
run again
for one in first again; do cut -d, -f1-11,14-17 "$out/$one.csv" >"$out/$one.same"; done
cmp "$out/first.same" "$out/again.same" || fail 'the same seed gave another ring'

refused() { # refused WORD OPTION...
  word=$1
  shift
  if "$bench" "$@" >"$out/refused" 2>&1; then fail "$* was taken"; fi
  grep -q -- "$word" "$out/refused" || fail "$*: the message does not name $word"
}
refused --nodes --nodes 1
refused --nodes --nodes many
refused --start --start grown
refused --minutes --nodes 16 --minutes 0
refused nonsense nonsense
refused "$out/none/x.csv" --nodes 16 --minutes 1 --settle 1 --lookups 1 --csv "$out/none/x.csv"
"$bench" --help | grep -q -- '--seed' || fail 'no help'
