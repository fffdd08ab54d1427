# Everything starts here: `make demo` and `make test` set themselves up on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin
MAKEFLAGS += --jobs=2

.PHONY: demo test lint browser bench bench-year theory workloads cards validation studies serving-check clean

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/ready ## measure three real workloads here, simulate a week of ET, show whether alerts are in time
	$(BIN)/ettwin measure detector matched-filter glitch-classifier --quick --budget 25
	$(BIN)/ettwin run first-light --with here

test: lint browser ## everything that must hold
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv/ready ## style, types, arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

browser: ## Debian's Chromium and a font, to test pages in; where they cannot be installed, those tests are left out
	@command -v chromium > /dev/null || { test "$$(id -u)" = 0 && apt-get -qq update \
	  && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends chromium fonts-liberation > /dev/null; } \
	  || echo "no Chromium: pages are not tested in a browser. Install it ('apt-get install chromium'), then go on"

bench: .venv/ready ## the kernel beside its peers, as ratios; a peer that is not installed is left out
	$(BIN)/python -m benchmarks

bench-year: .venv/ready ## a year of ET in the kernel: minutes, and its peak memory
	$(BIN)/python -m benchmarks year

theory: .venv/ready ## the kernel beside queueing theory's exact answers, and beside Ciw
	$(BIN)/python -m benchmarks.theory

workloads: .venv/ready ## every workload on every runtime: time, share of the core's peak, quality
	$(BIN)/python -m benchmarks.workloads

cards: .venv/ready ## the model card of every workload, into docs/workloads
	$(BIN)/ettwin card

validation: .venv/ready ## the twin held against a farm of this machine, which is to do nothing else: about half an hour
	$(BIN)/ettwin validate --out runs/validation-shipped
	rm -rf benchmarks/validation
	mkdir benchmarks/validation
	cd runs/validation-shipped && mv validation.json profile.json prediction-*.json ../../benchmarks/validation
	rm -r runs/validation-shipped

studies: .venv/ready ## the planners' questions, answered: tables and figures of docs/studies.md, about half an hour
	$(BIN)/python -m benchmarks.studies

.serving/%/ready: benchmarks/serving/%.txt
	$(PYTHON) -m venv .serving/$*
	.serving/$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

serving-check: .venv/ready .serving/mlserver/ready .serving/triton/ready ## real MLServer and Triton, and what they add to a call
	$(BIN)/python -m pytest tests/workloads/test_serving.py
	$(BIN)/python -m benchmarks.serving

clean:
	rm -rf .venv .serving .mypy_cache .ruff_cache .pytest_cache .hypothesis
