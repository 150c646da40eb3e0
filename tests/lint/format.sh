#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/lint/format.sh ROOT
# Every source is as clang-format 14 writes it, and begins with its licence line.
set -eu
cd "$1"
sources=$(find wire config crypto dataplane controlplane bench tests -name '*.h' -o -name '*.cc' | sort)
bad=0
for file in $sources; do
  [ "$(head -n 1 "$file")" = '// SPDX-License-Identifier: Apache-2.0' ] || {
    echo "$file: the first line is not the SPDX line"
    bad=1
  }
done
echo "$sources" | xargs -P "$(nproc)" -n 16 clang-format-14 --dry-run -Werror || bad=1
[ $bad -eq 0 ] || echo "^ make format"
exit $bad
