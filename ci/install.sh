#!/usr/bin/env bash
# Install what ci/*.sh run, on a machine of a CI system: the project's packages, and Pulumi where it is missing.
# Adds both to PATH of the later steps where $GITHUB_PATH says how.
set -euo pipefail

version=$(sed -n 's/^ *"pulumi==\(.*\)",$/\1/p' pyproject.toml)
make setup
paths=("$PWD/.venv/bin")
if ! command -v pulumi >/dev/null; then
  case $(uname -m) in
    x86_64) machine=x64 ;;
    aarch64 | arm64) machine=arm64 ;;
    *) echo "error: no Pulumi to fetch for $(uname -m); mend: put pulumi $version on PATH before this" >&2 && exit 3 ;;
  esac
  curl --fail --silent --show-error --location "https://get.pulumi.com/releases/sdk/pulumi-v$version-linux-$machine.tar.gz" |
    tar --extract --gzip --directory "$HOME"
  paths+=("$HOME/pulumi")
fi
if [ -n "${GITHUB_PATH:-}" ]; then
  printf '%s\n' "${paths[@]}" >>"$GITHUB_PATH"
fi
