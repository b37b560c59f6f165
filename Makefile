# The two commands a new user needs are `make serve` and `make test`.
# Everything is installed into .venv; a stamp file there makes the next run fast.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?= -n 2
SERVE_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help serve test lint format screenshots translations clean

help:
	@echo "make serve    serve user sync on this machine (SERVE_ARGS='--port 8081')"
	@echo "make test     run all tests (PYTEST_ARGS='-k guard')"
	@echo "make lint     ruff and mypy"
	@echo "make format   let ruff format the code"
	@echo "make screenshots  take the README's pictures again (needs Chromium)"
	@echo "make translations collect the pages' texts and compile their translations"
	@echo "make clean    remove the virtual environment and build output"

serve: $(VENV)/.installed
	@$(BIN)/usersync serve $(SERVE_ARGS)

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-lint
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: $(VENV)/.installed-test
	$(BIN)/python docs/screenshots.py

translations: $(VENV)/.installed-test
	$(BIN)/python docs/translations.py

clean:
	rm -rf $(VENV) build dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later is needed: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# --group needs pip 25.1
$(VENV)/.pip: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group test
	@touch $@

$(VENV)/.installed-lint: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group lint
	@touch $@
