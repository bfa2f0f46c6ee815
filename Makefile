# make demo    selfies in, headshots out, on this machine, without GPU, token or Redis
# make test    all tests
# make help    everything else

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CONSTRAINTS := docker/constraints.txt

PHOTOS ?=
STYLE ?= linkedin
OUT ?= ./demo-output
ARGS ?=
# Tests: files in their order, or those of few but long tests, which xdist takes last, are waited for.
# Many processes import torch and diffusers: without bytecode each takes 12 s of compiling, not 5.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo test lint types imports format gallery bench-likeness clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(VENV)/.installed ## make .venv with everything the bot and the engine need

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
		"Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(PIP) install --quiet -c $(CONSTRAINTS) torch==2.13.0
	$(PIP) install --quiet -c $(CONSTRAINTS) -e '.[engine]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --quiet -c $(CONSTRAINTS) -e '.[engine,dev]'
	@touch $@

demo: install ## the whole way from sample selfies to headshots (PHOTOS=dir STYLE=linkedin OUT=dir)
	@$(BIN)/headshot-bot demo $(if $(PHOTOS),--photos '$(PHOTOS)') --style '$(STYLE)' --out '$(OUT)'

test: $(VENV)/.installed-dev ## all tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.installed-dev ## ruff: errors and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev ## pyright
	$(BIN)/pyright

imports: $(VENV)/.installed-dev ## who may import whom
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## ruff: mend and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

gallery: install ## draw every style with the base at hand (ARGS='--count 2'), page and contact sheet
	@$(BIN)/headshot-bot --data build/gallery styles preview --private --out build/gallery $(ARGS)

bench-likeness: install ## how like a person the headshots are (ARGS='--people 2 --json')
	@$(BIN)/python -m benchmarks.likeness $(ARGS)

clean: ## remove what was built, keep .venv
	rm -rf demo-output build *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache
