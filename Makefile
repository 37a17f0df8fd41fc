# Needs Python 3.11+, git, make and the package registries; no C compiler, no Docker, no GPU, no root.
.DEFAULT_GOAL := help
PYTHON ?= python3
SERVER ?= auto
BIN := .venv/bin
# Three clusters, file by file: these tests wait for clusters and engines more than they compute.
SIDE_BY_SIDE := --numprocesses 3 --dist loadfile
# What failed is tried once more in a process of its own, alone, and both outcomes stay in the output (docs/adr/0112);
# only after exit code 1: a run that was broken off has tests that never ran.
tests = $(BIN)/python -m pytest $(1) $(2) || { test $$? -eq 1 && \
  echo "some tests of $(1) failed; those once more, one at a time" >&2 && \
  $(BIN)/python -m pytest $(1) --last-failed --last-failed-no-failures none; }
CODE := qwen_infra tests benchmarks docs_site release policy/__main__.py fleet/__main__.py __main__.py

.PHONY: chat docs notices policy release sbom help setup toolchain demo demo-down test unit contract integration e2e check lint types format lock docs-reference vllm-flags

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: Python 3.11 or newer is needed, '$(PYTHON)' is older or missing; name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 3; }
	@$(PYTHON) -m venv .venv

.venv/.run: requirements.txt pyproject.toml | $(BIN)/python
	@echo "installing the Python packages (about half a minute, once)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/.dev: requirements-dev.txt .venv/.run
	@echo "installing the test tools (once)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

policy/venv/.ready: policy/requirements.txt | $(BIN)/python
	@echo "installing the policy pack's environment (once)" >&2
	@$(PYTHON) -m venv policy/venv
	@policy/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r policy/requirements.txt
	@touch $@

policy: policy/venv/.ready ## the environment of the CrossGuard pack, for pulumi preview --policy-pack policy

setup: .venv/.run ## the Python environment

toolchain: .venv/.run ## every program that the project runs, built when it is not there
	@$(BIN)/python -m qwen_infra.toolchain >/dev/null

demo: .venv/.run ## from nothing to a deployed, verified, benchmarked gb200 stack (SERVER=simulator: without a real vLLM)
	@$(BIN)/qwen-infra demo --server $(SERVER)

chat: .venv/.run ## talk to the model of the running demo
	@$(BIN)/qwen-infra chat

demo-down: .venv/.run ## take the demo down, leave nothing running
	@$(BIN)/qwen-infra demo --down

test: .venv/.dev toolchain ## the whole test suite, on a fresh machine with nothing prepared
	@$(BIN)/qwen-infra local prepare
	@$(call tests,tests/unit)
	@$(call tests,tests/contract tests/e2e)
	@$(call tests,tests/integration,$(SIDE_BY_SIDE))

unit: .venv/.dev ## pure functions and mocks only
	@$(BIN)/python -m pytest tests/unit

vllm-flags: .venv/.dev ## the snapshot of vLLM's flags, made anew from the real parser
	@$(BIN)/qwen-infra local prepare >/dev/null
	@$(BIN)/python -m tests.contract.flags_snapshot

contract: .venv/.dev ## our predictions, flags and parsers against the real vLLM 0.32 (for the CPU, installed once)
	@$(BIN)/qwen-infra local prepare >/dev/null
	@$(BIN)/python -m pytest tests/contract

integration: .venv/.dev toolchain ## the real engine against a real API server
	@$(BIN)/python -m pytest tests/integration $(SIDE_BY_SIDE)

e2e: .venv/.dev toolchain ## everything together, with a real vLLM
	@$(BIN)/qwen-infra local prepare
	@$(BIN)/python -m pytest tests/e2e

lint: .venv/.dev ## style and import rules; never edits
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/lint-imports --no-cache

types: .venv/.dev ## strict types
	@$(BIN)/mypy

check: lint types test ## what CI runs

format: .venv/.dev ## the same rules, edited in
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

docs: .venv/.dev ## the documents as a site in build/docs; a broken link or anchor is an error
	@$(BIN)/python -m docs_site.assemble

sbom: .venv/.dev ## what an installation brings, as CycloneDX, from the pinned requirements: dist/qwen-infra.cdx.json
	@mkdir -p dist
	@PYTHONWARNINGS=ignore $(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
	  --output-file dist/qwen-infra.cdx.json requirements.txt

notices: .venv/.dev ## THIRD_PARTY_NOTICES.md, from the pinned and installed packages
	@$(BIN)/python -m release.notices

release: .venv/.dev ## wheel, source, SBOM, checksums and notes of TAG=vX.Y.Z in dist; refuses a tag without a changelog
	@rm -rf dist && mkdir dist
	@$(BIN)/python -m release.notes "$(TAG)" > dist/notes.md
	@$(BIN)/python -m build --outdir dist >/dev/null
	@$(MAKE) --silent sbom
	@cd dist && sha256sum *.whl *.tar.gz *.cdx.json > SHA256SUMS && ls

docs-reference: .venv/.run ## write the pages, pictures and the schema that are generated from the code
	@$(BIN)/python -m qwen_infra.cli.reference
	@$(BIN)/python -m docs_site.generated

lock: .venv/.dev ## pin every package anew, for every platform
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" pyproject.toml --output-file requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" pyproject.toml --group dev --constraints requirements.txt --output-file requirements-dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --custom-compile-command "make lock" policy/requirements.in --output-file policy/requirements.txt
