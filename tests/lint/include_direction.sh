#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/lint/include_direction.sh ROOT
# Fails when a folder includes from a folder it must not know, or when a library is used outside the
# folder it belongs to. The edges are drawn in docs/architecture.md.
set -eu
cd "$1"
bad=0
ours='wire|config|crypto|dataplane|controlplane|bench|tests'

only() { # only FOLDER ALLOWED...: quoted includes of our own folders
  folder=$1
  allowed=$(echo "$*" | tr ' ' '|')
  if grep -rnE "#include \"($ours)/" "$folder" --include='*.h' --include='*.cc' |
    grep -vE "#include \"($allowed)/"; then
    echo "^ $folder may include only: $*"
    bad=1
  fi
}
only wire
only config wire
only crypto
only dataplane wire crypto config
only controlplane wire crypto config

nowhere_else() { # nowhere_else PATTERN FOLDER...: angle includes that stay in some folders
  pattern=$1
  shift
  allowed=$(echo "$*" | tr ' ' '|')
  if grep -rnE "#include <$pattern" $(echo "$ours" | tr '|' ' ') --include='*.h' --include='*.cc' |
    grep -vE "^($allowed)/"; then
    echo "^ <$pattern...> belongs to: $*"
    bad=1
  fi
}
nowhere_else 'intel-ipsec-mb' crypto bench
nowhere_else 'rte_' dataplane tests bench
nowhere_else 'openssl/' crypto controlplane/trust controlplane/configuration controlplane/links controlplane/ctl controlplane/enroll config tests bench
nowhere_else 'boost/asio|boost/beast' controlplane tests
nowhere_else 'boost/lockfree' wire
nowhere_else 'spdlog/' controlplane
nowhere_else 'libxml/' controlplane/configuration
nowhere_else 'sqlite3|libpq' controlplane/enroll tests
nowhere_else 'toml' config tests

# A stage knows no other stage: only the loop knows their order.
stages=$(sed -nE 's/^STAGE\([A-Za-z]+, *"([a-z_]+)".*/\1/p' wire/shm/stage.def)
for stage in $stages; do
  for other in $stages; do
    [ "$stage" != "$other" ] || continue
    if grep -nE "#include \"dataplane/stages/$other\.h\"" \
      "dataplane/stages/$stage.h" "dataplane/stages/$stage.cc" 2>/dev/null; then
      echo "^ stage $stage includes stage $other"
      bad=1
    fi
  done
done
exit $bad
