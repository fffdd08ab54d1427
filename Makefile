# Everything starts here: `make demo` and `make test` set themselves up on a fresh machine.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench clean

.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: .venv/ready ## measure three real workloads here, simulate a week of ET, show whether alerts are in time
	$(BIN)/ettwin measure --quick --budget 25
	$(BIN)/ettwin run first-light --with here

test: lint ## everything that must hold
	$(BIN)/python -m pytest

lint: .venv/ready ## style, types, arrows
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: .venv/ready ## the kernel beside plain SimPy and Ciw, as ratios
	$(BIN)/python -m benchmarks.engine

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
