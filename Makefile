# make demo   trains the small policy and shows what was gained
# make test   runs the tests; both set up .venv first where that is needed
# make check  is everything that a change must pass: lint, types, all tests, the wheel

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lint types wheel check clean

help:
	@sed -n 's/^# //p' Makefile

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "sqlrl needs Python 3.11 or later: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	@touch $@

demo: $(READY)
	$(BIN)/sqlrl demo $(DEMO)

test: $(READY)
	$(BIN)/python -m pytest -m "not slow" $(TESTS)

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow $(TESTS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Over the installed tree: in the checkout the three floors don't lie under one name.
types: $(READY)
	rm -rf build/tree
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --target build/tree .
	cd build/tree && ../../$(BIN)/mypy --config-file ../../setup.cfg -p sqlrl

wheel: $(READY)
	rm -rf dist build/lib build/bdist.*
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

check: lint types test test-slow wheel

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
