# Everything a contributor needs; the only requirements are make and Python 3.11 or later.
#
#   make start      install into .venv and run the server
#   make test       install and run every test
#   make lint       what CI asks of the code before it runs the tests

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
N      ?= 50
JOBS   ?= 2
ARGS   ?=

# Editable in the plain way (a path, no import hook), so that every tool finds the packages.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat

.PHONY: help start install test lint format bench crash fuzz docs image clean

help:
	@sed -n 's/^#   //p' Makefile
	@echo "make install    install alone, with all that tests, lint and benchmarks need"
	@echo "make format     let ruff format the code"
	@echo "make bench      measure, and write bench/RESULTS.md"
	@echo "make crash N=1000   kill the server under load, N times"
	@echo "make fuzz       fuzz the protocol parsers with atheris"
	@echo "make docs       write the generated pages of docs/"
	@echo "make image      build the container image"

start: $(VENV)/.runtime
	@exec $(BIN)/cairn start $(ARGS)

install: $(VENV)/.everything

test: $(VENV)/.everything
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

lint: $(VENV)/.everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.everything
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.everything
	$(BIN)/python -m bench $(ARGS)

crash: $(VENV)/.everything
	CAIRN_CRASH_ROUNDS=$(N) $(BIN)/python -m pytest tests/faults -k crash --timeout 0 $(ARGS)

fuzz: $(VENV)/.everything
	$(BIN)/python -m pip install --quiet atheris
	$(BIN)/python -m tests.protocols.fuzz_parsers $(ARGS)

docs: $(VENV)/.everything
	$(BIN)/python -m tools.build_docs

image:
	DOCKER_BUILDKIT=0 docker build --tag cairn $(ARGS) .

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Cairn needs Python 3.11 or later; this is $$($(PYTHON) --version 2>&1). Say PYTHON=/path/to/python3." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "Python's venv is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(INSTALL) -e .
	@touch $@

$(VENV)/.everything: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[dev,bench]'
	@touch $@ $(VENV)/.runtime
