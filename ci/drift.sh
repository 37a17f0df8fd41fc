#!/usr/bin/env bash
# Look whether a cluster differs from what was deployed; changes nothing, and takes no lock.
#
#   ci/drift.sh STACK...      exit code 1 when one of them has drifted, or cannot be looked at
set -euo pipefail

failed=0
for stack in "$@"; do
  if pulumi refresh --stack "$stack" --preview-only --expect-no-changes --diff --non-interactive; then
    echo "$stack: as deployed" >&2
  else
    echo "$stack: differs from what was deployed, or could not be looked at; see above" >&2
    failed=1
  fi
done
exit "$failed"
