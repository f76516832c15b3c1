# Two commands do everything on a fresh machine with Python 3.11+ and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEST := .venv-test
OLDEST := .venv-oldest
DATA ?=
SERVE ?= 1
COVER ?=
CHROMIUM ?= $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
REAL ?= ../shared/data

.PHONY: env demo browser test coverage test-oldest size constraints train bench check-accuracy stress docs clean

env: $(VENV)/.made

$(VENV)/.made: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "cctview needs Python 3.11 or newer; run make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all]'
	@touch $@

# Ends in the browser; SERVE=0 stops after the report.
demo: env
	SERVE=$(SERVE) $(BIN)/cctview demo $(if $(DATA),--data $(DATA))

# The built wheel is what is tested: weights and data files included, the checkout's src out of reach.
$(TEST)/.made: pyproject.toml
	$(PYTHON) -m venv $(TEST)
	$(TEST)/bin/python -m pip install --quiet --disable-pip-version-check '.[test]'
	@touch $@

# A real Chromium for the tests of the pages: one that is here, or Playwright's, or Debian's.
browser: $(TEST)/.made
	@test -n "$(CHROMIUM)" || $(TEST)/bin/playwright install chromium || { apt-get update --quiet && apt-get install --yes --quiet chromium; }

test: $(TEST)/.made browser
	rm -rf dist && $(TEST)/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	$(TEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall dist/*.whl ./examples/plugin
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/mypy
	$(TEST)/bin/lint-imports
	cd examples/plugin && $(CURDIR)/$(TEST)/bin/python -m pytest --quiet
	$(TEST)/bin/python -m pytest --numprocesses auto --dist loadfile $(COVER)

# The same, and which lines and branches the tests reach: more than twice as slow.
coverage:
	$(MAKE) test COVER='--cov --cov-report=term:skip-covered'

# The same tests with the oldest libraries that pyproject.toml allows; newer ones beside them may call those outdated.
# Left out: the pages, the documented commands, the fuzzing of the API and the notebooks, whose tools want newer ones.
NEWER := tests/web/test_pages.py tests/web/test_api_schema.py tests/test_notebooks.py \
	tests/test_documents.py tests/parity
$(OLDEST)/.made: pyproject.toml
	$(PYTHON) -m venv $(OLDEST)
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(OLDEST)/bin/uv pip compile --quiet --extra all --resolution lowest-direct -o $(OLDEST)/oldest.txt pyproject.toml
	$(OLDEST)/bin/uv pip install --quiet --python $(OLDEST)/bin/python -r $(OLDEST)/oldest.txt
	$(OLDEST)/bin/uv pip install --quiet --python $(OLDEST)/bin/python -c $(OLDEST)/oldest.txt \
		pytest pytest-xdist hypothesis playwright faster-coco-eval h5py onnx polars pandas matplotlib supervision
	@touch $@

test-oldest: $(OLDEST)/.made
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(OLDEST)/bin/python -m pytest tests --numprocesses auto --dist loadfile -o addopts="--strict-markers --strict-config" -W ignore::DeprecationWarning $(NEWER:%=--ignore=%) $(ONLY)

# What a plain install takes, without any extra.
size:
	rm -rf build/plain && $(PYTHON) -m venv build/plain
	build/plain/bin/python -m pip install --quiet --disable-pip-version-check .
	build/plain/bin/python .ci/size.py 650

# The versions that `make test` tested, for whoever wants just these: pip install -c constraints.txt 'cctview[all]'
constraints: $(TEST)/.made
	$(TEST)/bin/python .ci/constraints.py > constraints.txt

# Makes the bundled weights again; hours on one core.
train: env
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[train]'
	$(BIN)/python -m training.detector --data $(REAL) --out build/training --results build/training/detector.json
	$(BIN)/python -m training.embedder --data $(REAL) --out build/training --results build/training/embedder.json
	$(BIN)/cctview run $(REAL)/fdr/frames build/training/store --network $(REAL)/fdr/network.toml
	$(BIN)/python -m training.embedder.refine --data $(REAL) --store build/training/store --start build/training/cctview-reid.pt --out build/training/refined

# What the bundled models reach on the real stills beside the checkout, and how fast a run is here.
check-accuracy: env
	$(BIN)/cctview eval detection --truth $(REAL)/fdr/boxes.json --images $(REAL)/fdr/frames
	$(BIN)/cctview eval detection --truth $(REAL)/singapore/boxes.json --images $(REAL)/singapore
	$(BIN)/cctview eval detection --truth $(REAL)/london/boxes.json --images $(REAL)/london --ignore-above 0.333
	$(BIN)/cctview run $(REAL)/fdr/frames build/accuracy --network $(REAL)/fdr/network.toml
	$(BIN)/python benchmarks/links.py $(REAL)/fdr --store build/accuracy

bench: env
	$(BIN)/cctview bench pipeline

# Stress curves on simulated traffic; about ten minutes of one core.
stress: env
	$(BIN)/python benchmarks/stress.py --out results/stress.json

# What the program writes about itself: the reference, the table of figures, the pictures; then the site of all pages.
docs: env
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	$(BIN)/python docs/make_reference.py
	$(BIN)/python docs/make_names.py
	$(BIN)/python docs/make_tables.py
	$(BIN)/python docs/make_pictures.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "open build/site/index.html"

clean:
	rm -rf $(VENV) $(TEST) $(OLDEST) build dist demo
