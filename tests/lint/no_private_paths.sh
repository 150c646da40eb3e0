#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/lint/no_private_paths.sh ROOT
# No file names a place that exists on its author's machine only, and none promises work in a comment.
set -eu
cd "$1"
folders='wire config crypto dataplane controlplane bench tests docs deploy tools README.md Makefile meson.build'
bad=0
if grep -rnE '(^|[^A-Za-z0-9_.])/(home|Users|work|root|tmp/[a-z])/' $folders --exclude=no_private_paths.sh; then
  echo "^ a path of somebody's machine"
  bad=1
fi
if grep -rnE '(//|#) *(TODO|FIXME|XXX|HACK)\b' $folders --exclude=no_private_paths.sh; then
  echo "^ unfinished work is an issue, not a comment"
  bad=1
fi
exit $bad
