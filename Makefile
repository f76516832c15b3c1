# Two commands do everything on a fresh machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
SERVE ?= 1

.PHONY: env demo test train bench check-accuracy clean

env: $(VENV)/.made

$(VENV)/.made: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "cctview needs Python 3.11 or newer; run make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

demo: env
	$(BIN)/cctview demo $(if $(DATA),--data $(DATA))

$(VENV)/.made-test: $(VENV)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

test: $(VENV)/.made-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	rm -rf dist && $(BIN)/python -m build --wheel --outdir dist . > /dev/null
	rm -rf build/wheel-env && $(PYTHON) -m venv build/wheel-env
	build/wheel-env/bin/python -m pip install --quiet --disable-pip-version-check "$$(ls dist/*.whl)[test]"
	build/wheel-env/bin/python -m pytest --cov --cov-report=term:skip-covered tests

train:
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[train]'
	$(BIN)/python -m training.detector --data ../shared/data --out build/training
	$(BIN)/python -m training.embedder --data ../shared/data --out build/training

clean:
	rm -rf $(VENV) build dist demo
