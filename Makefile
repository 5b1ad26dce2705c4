# `make` alone lists the targets.

PYTHON ?= python3
EXAMPLE ?= spam
VENV := .venv
BIN := $(VENV)/bin

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
PIP_INSTALL := $(BIN)/python -m pip install --quiet

# A stamp is newer than what it was made from, so a warm run installs nothing.
CREATED := $(VENV)/created.stamp
RUNTIME := $(VENV)/runtime.stamp
DEVELOPMENT := $(VENV)/development.stamp
PROJECT := $(VENV)/project.stamp
# What the editable install is built from; everything else is read in place.
BUILD_INPUTS := pyproject.toml $(wildcard sandbox/build_hook.py sandbox/labelwright/sandbox/build.py sandbox/labelwright/sandbox/guest/*)

.DEFAULT_GOAL := help
.PHONY: help demo test lint format proto bench lock wheel clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */  \1\t/' | expand -t 12
	@echo
	@echo "  make demo EXAMPLE=spam|tickets|sensors    PYTHON=python3.13 chooses the interpreter of $(VENV)"

demo: $(PROJECT)  ## push an example's programs, serve them, label its records (EXAMPLE=spam)
	@$(BIN)/python examples/demo.py $(EXAMPLE)

test: $(DEVELOPMENT) $(PROJECT)  ## install what the tests start, then lint, types, contract and all tests
	@tests/install-parts
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile $(ARGS)

lint: $(DEVELOPMENT) $(PROJECT)  ## only what reads the code and runs none of it
	$(BIN)/python -m pytest tests/project $(ARGS)

format: $(DEVELOPMENT)  ## put the code into the house's format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

proto: $(DEVELOPMENT)  ## make the stubs anew from proto/
	$(BIN)/python tools/stubs.py

bench: $(DEVELOPMENT) $(PROJECT)  ## measure on this machine; what counts are the ratios
	@tests/install-parts
	@set -e; for file in bench/[a-z]*.py; do \
	  name=$$(basename "$$file" .py); echo "== bench.$$name"; $(BIN)/python -m "bench.$$name"; \
	done

lock: $(DEVELOPMENT)  ## make the lock files anew from pyproject.toml
	$(BIN)/python tools/lock.py

wheel: $(RUNTIME)  ## build the wheel into dist/, to install it elsewhere
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

clean:  ## remove the environment and everything that was made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f sandbox/labelwright/sandbox/runtime/*.wasm
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(CREATED):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "The venv module is missing: apt-get install python3-venv"; exit 1; }
	@touch $@

$(RUNTIME): requirements.lock $(CREATED)
	@echo "Installing what Labelwright runs on ..."
	@$(PIP_INSTALL) --require-hashes -r requirements.lock
	@touch $@

$(DEVELOPMENT): requirements-dev.lock $(RUNTIME)
	@echo "Installing what its tests need ..."
	@$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

$(PROJECT): $(BUILD_INPUTS) $(RUNTIME)
	@echo "Installing Labelwright itself; this builds the sandbox's runtime ..."
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@
