# Two commands for a newcomer: `make demo` does the main job, `make test` runs every test.
# Both do all set-up themselves: a virtual environment in .venv with pinned versions; what the pages are built from lies in
# frontend/node_modules. Where root runs the tests on Debian, they also install programs of the system (scripts/system_packages.sh).

PYTHON ?= python3
VENV   ?= .venv
OUT    ?= out/demo
BIN    := $(VENV)/bin
READY  := $(VENV)/.konio-ready
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)

.DEFAULT_GOAL := help
.PHONY: help setup system pages demo serve test check format bench clean

help:
	@echo "make demo    set up everything, assess made-up radiographs, write pages, JSON and DICOM into $(OUT)"
	@echo "make serve   set up everything and start the reading room on http://127.0.0.1:8080"
	@echo "make test    set up everything and run every test"
	@echo "make check   ruff, mypy, import-linter, types and lint of the pages"
	@echo "make format  let ruff mend layout and imports"
	@echo "make bench   print the measured figures of benchmarks/RESULTS.md again (minutes to hours)"
	@echo "make clean   remove the virtual environment and everything made"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "konio needs Python 3.11 or newer, $$($(PYTHON) --version) was found; name another with make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "this Python cannot make virtual environments; install its venv package (Debian: apt install python3-venv) and try again"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing pinned packages into $(VENV) (some minutes the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch numpy
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# Programs of the system that tests use: installed where we may, named where we may not.
system:
	@sh scripts/system_packages.sh

# The pages of the reading room; nothing is done where they were built from the same sources.
pages: $(READY)
	@$(BIN)/python scripts/build_frontend.py

demo: $(READY)
	@mkdir -p $(OUT)
	$(BIN)/konio phantom radiograph --cases 12 --seed 7 --out $(OUT)/films
	$(BIN)/konio assess $(OUT)/films/films --out $(OUT) --format json,page,dicom
	@echo "Open $(OUT)/index.html in a browser."

serve: pages
	@mkdir -p out
	$(BIN)/konio serve --data out/room --port 8080

test: system pages
	$(BIN)/python scripts/build_frontend.py test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/build_frontend.py check

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
