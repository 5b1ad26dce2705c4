# `make` alone lists the targets.

PYTHON ?= python3
EXAMPLE ?= spam
PYTHONS := 3.11 3.12 3.13
VENV := .venv
BIN := $(VENV)/bin

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
PIP_INSTALL := $(BIN)/python -m pip install --quiet

# A file's tests stay together, for they share servers; tests/conftest.py says which files go first.
PYTEST := $(BIN)/python -m pytest --dist=loadfile --no-loadscope-reorder
# Compiled modules are kept: without them each process that a test starts compiles the project anew.
unexport PYTHONDONTWRITEBYTECODE
# Several processes share the processors as it is.
test check: export OMP_NUM_THREADS := 1

# A stamp is newer than what it was made from, so a warm run installs nothing.
CREATED := $(VENV)/created.stamp
RUNTIME := $(VENV)/runtime.stamp
DEVELOPMENT := $(VENV)/development.stamp
PROJECT := $(VENV)/project.stamp
# What the editable install is built from; everything else is read in place.
BUILD_INPUTS := pyproject.toml $(wildcard sandbox/build_hook.py sandbox/labelwright/sandbox/build.py sandbox/labelwright/sandbox/guest/*)

.DEFAULT_GOAL := help
.PHONY: help demo test check check-pythons lint format proto bench lock wheel clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  \1\t/' | expand -t 17
	@echo
	@echo "  make demo EXAMPLE=spam|tickets|sensors|inspections    PYTHON=python3.13 chooses the interpreter of $(VENV)"

demo: $(PROJECT)  ## push an example's programs, serve them, label its records (EXAMPLE=spam)
	@$(BIN)/python examples/demo.py $(EXAMPLE)

test: $(DEVELOPMENT) $(PROJECT)  ## install what the tests start, then lint, types, contract and all tests
	@tests/install-parts
	$(PYTEST) --numprocesses=3 --durations=20 $(ARGS)

check: $(DEVELOPMENT) $(PROJECT)  ## the same without the tests that start servers, and a few slow ones
	$(PYTEST) --numprocesses=2 -m "not servers and not slow" $(ARGS)

check-pythons: $(DEVELOPMENT)  ## make check on the other Pythons that are promised, where they are installed
	@failed=; for version in $(PYTHONS); do \
	  if [ $$version = $$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])') ]; then continue; fi; \
	  if ! python=$$($(BIN)/uv python find --system --no-python-downloads $$version 2>/dev/null); then \
	    echo "Python $$version is not installed here: nothing was checked on it"; continue; \
	  fi; \
	  echo "== Python $$version"; \
	  $(MAKE) --no-print-directory check PYTHON=$$python VENV=$(VENV)-$$version || failed="$$failed $$version"; \
	done; [ -z "$$failed" ] || { echo "Failed on Python:$$failed"; exit 1; }

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
	rm -rf $(VENV) $(VENV)-* build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
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
