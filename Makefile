# Every way to set up, run and check Addressee. Needs Python 3.11 or newer and make, nothing else.
# `make` alone lists what there is.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first that runs and is new enough; looked for only when .venv is made.
PYTHON = $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
  $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
BIN := .venv/bin
PY := $(BIN)/python
SAY = @printf '\033[1m==> %s\033[0m\n'

# A suite is chosen by its folder, never skipped. `make test` runs every folder of tests/ but these two.
CHOSEN := tests/real tests/corpus
# What touches rows runs a second time, on PostgreSQL.
ON_POSTGRES := tests/store tests/people tests/setup tests/pipeline tests/jobs tests/flow
JOBS ?= 2
PYTEST := $(PY) -m pytest -n $(JOBS) --dist worksteal
CORPUS ?= ../shared/corpus

.PHONY: help setup setup-dev run demo test test-fast test-sqlite test-postgres test-real test-corpus
.PHONY: lint format types imports check bench prove docs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- set up -----------------------------------------------------------------------------------------
# Stamps stand inside .venv, so that removing it removes them. A second run finds them and does nothing.

setup: .venv/.core ## make .venv with everything the program needs, by hash

setup-dev: .venv/.dev ## the same, and what the tests need

.venv/.uv: requirements/uv.txt
	$(SAY) "1/3 making .venv"
	@$(PY) -m pip --version >/dev/null 2>&1 || { \
	  python="$(PYTHON)"; \
	  test -n "$$python" || { echo "No Python 3.11 or newer with its venv module was found. Install it (Debian: apt-get" \
	    "install python3 python3-venv), or name one: make PYTHON=/path/to/python3.11"; exit 69; }; \
	  echo "with $$python"; "$$python" -m venv --clear .venv; }
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# Everything comes as wheels; --no-build says so. The package itself is built with the hatchling pinned here,
# not with whatever is newest today. The libraries are compiled here, once: serve starts several processes at a
# time, and each would compile them for itself.
.venv/.core: .venv/.uv requirements/build.txt requirements/core.txt pyproject.toml
	$(SAY) "2/3 installing the libraries the program runs on (requirements/core.txt)"
	@$(BIN)/uv pip install --quiet --python $(PY) --require-hashes --no-build -r requirements/build.txt
	@$(BIN)/uv pip install --compile-bytecode --python $(PY) --require-hashes --no-build -r requirements/core.txt
	$(SAY) "3/3 installing the command $(BIN)/addressee"
	@$(BIN)/uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable .
	@$(PY) -m compileall -q src
	@touch $@

.venv/.dev: .venv/.core requirements/dev.txt
	$(SAY) "installing what the tests need (requirements/dev.txt)"
	@$(BIN)/uv pip install --compile-bytecode --python $(PY) --require-hashes --no-build -r requirements/dev.txt
	@touch $@

lock: .venv/.uv ## write requirements/*.txt anew from requirements/*.in
	@for name in uv build core dev; do \
	  echo "requirements/$$name.txt"; \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header -o requirements/$$name.txt requirements/$$name.in; \
	done

# --- run --------------------------------------------------------------------------------------------

run: setup ## set up, load the demo firm, serve it, send the sample mail and show every message's walk (ARGS=--help)
	$(SAY) "the demo firm"
	@$(BIN)/addressee demo $(ARGS)

demo: run ## the same as run

# --- test -------------------------------------------------------------------------------------------

test: lint types imports test-sqlite test-postgres ## everything pip can bring: lint, types, imports, tests on SQLite and PostgreSQL
	$(SAY) "make test: all passed"

test-fast: setup-dev ## the pure piles only: no database, no network
	$(SAY) "tests of the pure core"
	@$(PYTEST) tests/core tests/fields

test-sqlite: setup-dev
	$(SAY) "tests on SQLite"
	@$(PYTEST) $(CHOSEN:%=--ignore=%) tests

test-postgres: setup-dev
	$(SAY) "tests on PostgreSQL: $(ON_POSTGRES)"
	@$(PY) tests/postgres.py $(PYTEST) $(ON_POSTGRES)

test-real: setup-dev ## with Postfix, swaks, clamd and Chromium, which apt brings where they are missing
	$(SAY) "Postfix, swaks and Chromium"
	@scripts/apt-install postfix swaks chromium clamav-daemon
	$(SAY) "tests with real servers and a real browser"
	@$(PY) -m pytest tests/real

test-corpus: setup-dev ## over the public mail in CORPUS, every miss with its reason; fails when it is absent
	$(SAY) "tests over the public mail in $(CORPUS)"
	@test -d "$(CORPUS)" || { echo "No corpus at $(CORPUS). Name its folder: make test-corpus CORPUS=/path/to/corpus"; exit 66; }
	@ADDRESSEE_CORPUS="$$(cd "$(CORPUS)" && pwd)" $(PY) -m pytest -s tests/corpus

lint: setup-dev ## ruff: rules and format
	$(SAY) "ruff"
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

format: setup-dev ## let ruff format and mend
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

types: setup-dev ## mypy, strict
	$(SAY) "mypy --strict"
	@ADDRESSEE_HOME=.mypy_cache/home $(BIN)/mypy

imports: setup-dev ## the import contracts: which room may know which
	$(SAY) "import contracts"
	@$(BIN)/lint-imports --no-logo

check: ## what CI runs
	@.ci/run

# --- measure ----------------------------------------------------------------------------------------

bench: setup-dev ## the ratios of the performance goals, as a table
	$(SAY) "benchmark"
	@$(PY) -m bench

prove: setup-dev ## a long proof by name: make prove NAME=crash, with ON=postgresql on that
	@test -n "$(NAME)" || { echo "Which? make prove NAME=..., one of:"; \
	  grep -l '^def main(' prove/*.py | sed 's|^prove/\(.*\)\.py$$|  \1|'; exit 64; }
	@$(if $(filter postgresql,$(ON)),$(PY) tests/postgres.py) $(PY) -m prove.$(NAME)

docs: setup ## write the generated pages of docs/ and CHANGELOG.md anew
	@$(PY) scripts/pages.py

clean: ## remove .venv and the caches; ./var, where the data is, stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
