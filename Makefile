# Everything a fresh machine needs is Python ≥ 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Hundreds of processes start in the demo and the tests: what is compiled is kept, beside all else that make makes.
export PYTHONPYCACHEPREFIX := $(CURDIR)/$(VENV)/compiled
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test lint bench soak browser clean
help:            ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

setup: $(VENV)/.ready  ## a virtual environment with everything in it

$(VENV)/.ready: pyproject.toml apps/pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "accepted needs Python 3.11 or newer; name one with: make PYTHON=python3.12 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'
	$(BIN)/uv pip install --quiet --python $(BIN)/python -e . -e apps --group dev
	touch $@

demo: setup      ## the server with SQLite in ./data, a small world beside it, a job of each application live; Ctrl-C ends it
	$(BIN)/python -m accepted_apps.demo

# Tests wait for processes that start for a third of their time, so three at once keep two cores busy.
test: setup browser lint  ## everything but the long ones: lint, types, layers, then all tests in random order
	$(BIN)/python -m pytest -n 3 --dist loadgroup -m 'not soak'

lint: setup      ## format, rules, strict types on source and tests, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy src apps/accepted_apps tests apps/tests bench examples
	$(BIN)/lint-imports

bench: setup     ## figures of this machine, in one table
	$(BIN)/python -m bench.run

soak: setup browser  ## the tests that take minutes
	$(BIN)/python -m pytest -m soak

browser:         # tier 3 of the preview needs a Chromium: bring one where that is allowed
	@sh scripts/browser.sh

clean:           ## remove what make made
	rm -rf $(VENV) data build dist .mypy_cache .ruff_cache .pytest_cache
