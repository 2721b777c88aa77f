# The commands of the course; `make help` lists them. Nothing here needs more than GNU make and Python.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
FAST := not daemon and not notebook and not browser and not machine and not kernel

.DEFAULT_GOAL := help
.PHONY: help lab test check bench outputs lock clean

help: ## this list
	@sed -nE 's/^([a-z]+):[^#]*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 14

lab: $(STAMP) ## set up what is missing, find a daemon, open JupyterLab on chapter 00
	$(BIN)/labkit lab

# $(call try,options,marks): tests that fail beside others are tried once more, alone. A machine that others use
# takes its time from somebody; what is broken fails again. Both runs are printed, each with its summary.
try = $(BIN)/pytest $(1) -m "$(2)" || { [ $$? = 1 ] && echo 'Once more, alone, what failed:' && \
	$(BIN)/pytest --last-failed --last-failed-no-failures=none --maxfail=10 -m "$(2)"; }

test: $(STAMP) ## everything, on whatever daemon is found; what fails is tried once more
	$(call try,-q -n auto,$(FAST))
	$(call try,-n 3 --dist loadscope --durations=10,not ($(FAST)))

check: $(STAMP) ## lint, format, types, and the tests that need no daemon: about a minute
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest -q -n auto -m "$(FAST)"

bench: $(STAMP) ## the benchmarks, or one of them: make bench ONLY=name
	$(BIN)/python -m tests.benchmarks $(ONLY)

outputs: $(STAMP) ## run the chapters again and store their outputs
	$(BIN)/python -m tests.outputs

# uv writes one lock for every platform and Python; pip can only lock the machine it runs on. It gets an
# environment of its own, because nobody but this target needs it.
lock: ## write requirements.lock anew; UPGRADE=1 takes the newest versions
	$(PYTHON) -m venv build/uv
	build/uv/bin/pip --disable-pip-version-check install --quiet uv
	build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev \
	  --no-emit-index-url --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) \
	  --output-file requirements.lock pyproject.toml

clean: ## remove caches and build products (containers and images: labkit clean)
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find labkit tests notebooks -name __pycache__ -o -name .ipynb_checkpoints | xargs rm -rf

# Newer than both files means: installed from them. The package itself is built with the setuptools of the
# lock (--no-build-isolation), so that a set-up downloads nothing that the lock does not name.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'The course needs Python 3.11 or newer as $(PYTHON). Another one: make PYTHON=python3.12 …' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo '$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv' >&2; exit 1; }
	@echo 'Setting up $(VENV): about a minute, once.'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV) || { \
	  echo '$(VENV) is damaged, perhaps half made. Remove it and try again: rm -r $(VENV)' >&2; exit 1; }
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
