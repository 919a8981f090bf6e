# The two commands: `make specs` runs the specs on a lab of four real nodes, `make test` checks this project.
# `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PREPARE := PYTHON=$(PYTHON) cluster_tests/lab/prepare.sh
SPECS ?= specs/
LAB ?=
ROUNDS ?= 10

.DEFAULT_GOAL := help
.PHONY: help specs test bench check lab lab-down engine clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

specs: lab ## Bring the lab up (everything it needs is installed) and run all specs; SPECS=specs/FILE.py:CLASS runs one
	$(BIN)/run-contexts $(SPECS) -v -s

test: $(VENV)/checked ## Static checks and the project's own tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest

bench: $(VENV)/checked ## Measure the tunnels beside ssh -L and sshtunnel, a minute or two; ROUNDS=30 is steadier
	$(BIN)/cluster-tests bench tunnels --rounds $(ROUNDS)

lab: $(VENV)/installed engine ## Bring the local lab up; what exists is used. LAB=--tunnel-fronts: options of `cluster-tests lab up`
	$(BIN)/cluster-tests lab up $(LAB)

lab-down: $(VENV)/installed ## Power the lab off; images and volumes stay for a fast next start
	$(BIN)/cluster-tests lab down

engine: ## Make sure that a Docker engine answers (root only where none does)
	@$(PREPARE) engine

clean: ## Remove the lab with all it made, the virtual environment and caches; stop the engine if make started it
	@if [ -x $(BIN)/cluster-tests ] && $(PREPARE) engine; then $(BIN)/cluster-tests lab down --purge; fi
	@$(PREPARE) stop
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/installed: requirements.txt setup.cfg pyproject.toml
	@$(PREPARE) tools
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/checked: requirements-dev.txt $(VENV)/installed
	@$(PREPARE) browser
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@
