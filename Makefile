# The commands a newcomer needs: run, test, test-fast, lint, bench, clean. `make lock` is for us.
# Every target sets up what it is missing and nothing else; a second start goes straight to work.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(firstword $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	"$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo "$$name"; done; true))
VENV := .venv
BIN := $(VENV)/bin
VENDOR := src/papertape/dashboard/static/vendor
CORE := $(wildcard src/papertape/core/*.py src/papertape/core/*.pxd)
JS_TESTS := $(wildcard tests/js/*.test.js tests/js/*.test.mjs)
TESTS ?= tests
JOBS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help run test test-fast lint bench screenshots clean lock setup chromium

help:
	@echo "make run        set up what is missing, then bot + dashboard on the simulated feed"
	@echo "make test       set up what is missing, then all tests (test-fast: those under 30 s)"
	@echo "make lint       ruff, mypy strict, the import floors, the tidy test"
	@echo "make bench      commit-to-browser latency and signals per second on this machine"
	@echo "make screenshots  the pictures of docs/pages.md, from the simulated markets"
	@echo "make clean      remove everything that set-up made; data/ stays"

run: setup
	@exec $(BIN)/papertape up $(ARGS)

test: setup chromium
	@status=0; \
	$(if $(JS_TESTS),node --test $(JS_TESTS) || status=1;) \
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(TESTS) || status=1; \
	exit $$status

test-fast: setup
	@status=0; \
	$(if $(JS_TESTS),node --test $(JS_TESTS) || status=1;) \
	$(BIN)/python -m pytest -q -n $(JOBS) -m "not slow and not browser" $(TESTS) || status=1; \
	exit $$status

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/ground/test_tidy.py tests/ground/test_paper_only.py

bench: setup
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: setup chromium
	@$(BIN)/python -m scripts.screenshots

clean:
	rm -rf $(VENV) node_modules build dist $(VENDOR) src/*.egg-info .pytest_cache .mypy_cache \
		.ruff_cache .hypothesis .import_linter_cache test-results
	rm -f src/papertape/core/*.so src/papertape/core/*.pyd src/papertape/core/*.c
	find src tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up. A stamp is newer than what it was made from, or its step runs again.

setup: $(VENV)/.core $(VENDOR)/LICENSES.txt

$(VENV)/.python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "papertape needs Python 3.11, 3.12 or 3.13 as python3 (or: make PYTHON=/path/to/it)," \
			"found: $$(python3 --version 2>&1 || true)" >&2; exit 1; fi
	@echo "setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { \
		echo "python's venv module does not work here (Debian: apt install python3-venv)" >&2; exit 1; }
	@touch $@

$(VENV)/.packages: requirements.lock $(VENV)/.python
	@echo "installing the locked Python packages"
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@touch $@

$(VENV)/.core: $(VENV)/.packages pyproject.toml setup.py $(CORE)
	@echo "building papertape"
	@rm -f src/papertape/core/*.so  # a compiled form of older source must never be what runs
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python scripts/core_form.py
	@touch $@

$(VENDOR)/LICENSES.txt: package-lock.json scripts/vendor.py $(VENV)/.python
	@command -v npm >/dev/null || { \
		echo "the dashboard's browser libraries come from npm: install Node.js 20 or newer" >&2; exit 1; }
	@echo "installing the locked npm packages"
	@npm ci --silent --no-audit --no-fund --ignore-scripts
	@$(BIN)/python scripts/vendor.py

# Browser tests drive Debian's Chromium; where it cannot be installed they are skipped and say so.
chromium:
	@scripts/chromium.sh

# Versions and hashes only: where packages come from is each machine's own setting.
lock: $(VENV)/.packages
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --all-extras --strip-extras \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file requirements.lock pyproject.toml
	sed -i -e '/^#/d' -e '/^$$/d' requirements.lock
	npm install --package-lock-only --no-audit --no-fund
