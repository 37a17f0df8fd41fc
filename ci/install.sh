#!/usr/bin/env bash
# Install what ci/*.sh run, on a machine of a CI system: the project's packages, and Pulumi where it is missing.
# Adds both to PATH of the later steps where $GITHUB_PATH says how.
set -euo pipefail

version=$(sed -n 's/^ *"pulumi==\(.*\)",$/\1/p' pyproject.toml)
make setup
paths=("$PWD/.venv/bin")
if ! command -v pulumi >/dev/null; then
  curl --fail --silent --show-error --location "https://get.pulumi.com/releases/sdk/pulumi-v$version-linux-x64.tar.gz" |
    tar --extract --gzip --directory "$HOME"
  paths+=("$HOME/pulumi")
fi
if [ -n "${GITHUB_PATH:-}" ]; then
  printf '%s\n' "${paths[@]}" >>"$GITHUB_PATH"
fi
