#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tests/lint/packet_path_is_quiet.sh ROOT
# Below dataplane/stages nothing prints, logs, allocates, locks, throws or asks the kernel.
set -eu
cd "$1"
forbidden='\b(printf|fprintf|snprintf|puts|perror|RTE_LOG|rte_log|spdlog|syslog|malloc|calloc|realloc|rte_malloc|rte_zmalloc|throw|catch|mutex|lock_guard|unique_lock|rte_spinlock_lock|rte_rwlock_[a-z_]*lock|clock_gettime|gettimeofday|nanosleep|usleep|sleep_for|system_clock|steady_clock)\b|std::(cout|cerr|clog|vector|string|map|unordered_map|deque|list|function|make_unique|make_shared)\b|\bnew +[A-Za-z_:(]|\bnew\('
bad=0
for file in $(find dataplane/stages -name '*.h' -o -name '*.cc' 2>/dev/null | sort); do
  # Comments and string literals may say these words.
  if sed -E 's/"([^"\\]|\\.)*"/""/g; s://.*$::' "$file" | grep -nE "$forbidden" | sed "s|^|$file:|" | grep .; then
    bad=1
  fi
done
[ $bad -eq 0 ] || echo "^ not on the packet path: tables and rings are made at start, events go up as records"
exit $bad
