#!/usr/bin/env bash
# Post a comment on a pull request of GitHub, or replace the one that an earlier run posted.
#
#   ci/post-comment.sh OWNER/REPOSITORY NUMBER FILE      needs gh and GH_TOKEN
set -euo pipefail

repository=$1 number=$2 file=$3
marker=$(head -n 1 "$file")
found=$(gh api --paginate "repos/$repository/issues/$number/comments" \
  --jq ".[] | select(.user.type == \"Bot\" and (.body | startswith(\"$marker\"))) | .id" | head -n 1)
if [ -n "$found" ]; then
  gh api --silent --method PATCH "repos/$repository/issues/comments/$found" --field "body=@$file"
else
  gh api --silent --method POST "repos/$repository/issues/$number/comments" --field "body=@$file"
fi
