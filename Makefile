# Everything starts here: `make demo` and `make test` set themselves up on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench bench-year theory workloads cards clean

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/ready ## measure three real workloads here, simulate a week of ET, show whether alerts are in time
	$(BIN)/ettwin measure detector matched-filter glitch-classifier --quick --budget 25
	$(BIN)/ettwin run first-light --with here

test: lint ## everything that must hold
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/ready ## style, types, arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

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

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
