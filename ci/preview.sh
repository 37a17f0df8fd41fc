#!/usr/bin/env bash
# Preview every stack that a change touches and write one comment about them; for any CI system, and by hand.
#
#   ci/preview.sh [BASE] [FOLDER]      BASE: what the change is compared with (origin/main); FOLDER: results (previews)
#
# Writes FOLDER/<stack>.json (the engine's preview), FOLDER/<stack>.log and FOLDER/comment.md. Exit codes: 0 every preview
# works, 1 one of them fails (the comment says which and why). Needs pulumi, kubectl and qwen-infra on PATH, and what the
# backend needs: PULUMI_BACKEND_URL and PULUMI_CONFIG_PASSPHRASE or the credentials of the secrets provider.
set -euo pipefail

base=${1:-origin/main}
folder=${2:-previews}
mkdir -p "$folder"

stacks=$(qwen-infra stacks --changed-since "$base")
if [ -z "$stacks" ]; then
  printf '<!-- qwen-infra preview -->\nNo stack is touched by this change.\n' >"$folder/comment.md"
  exit 0
fi

failed=0
previews=()
while IFS= read -r stack; do
  echo "preview of $stack" >&2
  if ! pulumi preview --stack "$stack" --json --non-interactive >"$folder/$stack.json" 2>"$folder/$stack.log"; then
    failed=1
    if ! grep -q '{' "$folder/$stack.json"; then # the engine did not come as far as a preview
      python3 - "$folder/$stack.log" >"$folder/$stack.json" <<'PYTHON'
import json, pathlib, sys
lines = [line for line in pathlib.Path(sys.argv[1]).read_text("utf-8").splitlines() if line.strip()]
told = next((line for line in lines if line.startswith("error: ")), lines[-1] if lines else "no message")
print(json.dumps({"diagnostics": [{"severity": "error", "message": told}]}))
PYTHON
    fi
  fi
  previews+=(--preview "$folder/$stack.json")
done <<<"$stacks"

qwen-infra comment "${previews[@]}" >"$folder/comment.md"
exit "$failed"
