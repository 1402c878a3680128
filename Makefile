# All that is done with this project. Each target works from a fresh clone: the first one that
# needs an environment makes it, from its lock.

PYTHON ?= python3
SHELL := /bin/bash

py := .venv/bin/python
ready := .venv/ready
lab_ready := .venv-lab/ready
agreement_ready := .venv-agreement/ready
own_model_ready := .venv-own-model/ready
install := -m pip --disable-pip-version-check --no-input install
# no package but the very wheels that the lock names: nothing of theirs runs while it is installed
verified := --require-hashes --only-binary :all:
need_python := $(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' || { \
    echo "tinyq needs Python 3.11 or newer, with venv; $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
        "Name another one, say: make setup PYTHON=python3.12" >&2; exit 1; }

# A stray numpy.py in this folder, on PYTHONPATH or in the user's own packages is never imported.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP
export PYTHONSAFEPATH := 1
export PYTHONNOUSERSITE := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: setup run golden ledger bench plot accuracy sync book onepage epub pdf test test-all agreement \
    parity test-torch lab test-lab bench-widgets bench-loop bench-engines own-model lock lint check clean \
    help

setup: $(ready) ## Make the environment .venv from requirements.lock

run: $(ready) ## Run the network in float and int8 and compare
	@$(py) -m tinyq run

golden: $(ready) ## Print the golden int8 logits
	@$(py) -m tinyq golden

ledger: $(ready) ## Print the scale bookkeeping, layer by layer
	@$(py) -m tinyq ledger

bench: $(ready) ## Time each layer, as CSV
	@$(py) -m tinyq bench

plot: $(ready) ## Draw the parity figure: build/parity.png
	@$(py) -m tinyq plot --force --out build/parity.png

accuracy: $(ready) ## Print what each method does to the accuracy on real scans, at 8 to 3 bits
	@$(py) -m tinyq accuracy

sync: $(ready) ## Regenerate and execute the notebooks from their .py sources
	$(py) tools/sync.py

# --all: an incremental build would not copy a changed script or style sheet
build_book := .venv/bin/jupyter-book build . -W -n --keep-going --all
uri = @$(py) -c 'import pathlib; print(pathlib.Path("$(1)").resolve().as_uri())'

book: $(ready) ## Build the book; the last line prints the page to open
	$(build_book)
	$(call uri,_build/html/index.html)

onepage: $(ready) ## Build the book as one page: _build/singlehtml/index.html
	$(build_book) --builder singlehtml
	$(call uri,_build/singlehtml/index.html)

epub: $(ready) ## Build the book for e-readers: _build/epub/tinyq.epub
	$(build_book) --builder custom --custom-builder epub
	$(call uri,_build/epub/tinyq.epub)

pdf: onepage ## Print the one page to _build/tinyq.pdf, with the Chromium or Chrome on the PATH
	@$(py) tools/print_book.py _build/singlehtml/index.html _build/tinyq.pdf

# The book is built inside the run, by the fixture `built_book`, beside the other tests.
pytest := $(py) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=10
everything := --nbval --nbval-current-env --nbval-sanitize-with notebooks/sanitize.cfg \
    tinyq tests notebooks

test: lint ## Run the tests: lint, units, doctests, notebooks, book, each widget in a browser
	$(pytest) -m 'not full' $(everything)

test-all: lint ## Run every test: PDF, EPUB, axe on each page, fresh environments, trainings too
	$(pytest) $(everything)

# COUNT cases an operator and runtime, from SEED: make agreement COUNT=10000 SEED=7
# Models of your own, .tflite in a folder, join in: make agreement MODELS=folder
# What was counted goes to build/; RECORD=1 writes the records that the book draws, in book/.
measure := $(if $(SEED),--seed $(SEED)) $(if $(RECORD),--record)
agreement: $(agreement_ready) ## Hold every kernel against the runtimes people deploy, at length
	.venv-agreement/bin/python -m tools.agreement $(if $(COUNT),--count $(COUNT)) $(measure)
	.venv-agreement/bin/python -m tools.agreement.shipped $(measure)
	.venv-agreement/bin/python -m tools.agreement.opened $(if $(COUNT),--count $(COUNT)) \
	    $(if $(MODELS),--models $(MODELS)) $(measure)

parity: agreement # its name before version 0.2; goes with version 0.3

test-torch: $(agreement_ready) ## Test what needs PyTorch, in the environment of make agreement
	.venv-agreement/bin/python -m pytest -k torch tests/test_load_torch.py tests/test_bench_engines.py

# One chapter: make lab OPEN=notebooks/01_put_numbers_on_a_grid.ipynb
lab: $(lab_ready) ## Open the chapters in JupyterLab, in an environment of its own
	.venv-lab/bin/jupyter lab $(or $(OPEN),notebooks)

test-lab: $(ready) $(lab_ready) ## Test a widget in JupyterLab: the kernel reads its slider
	$(py) -m pytest tests/test_lab.py

bench-widgets: $(ready) book ## Time the live widgets and weigh their pages
	@$(py) tools/bench_widgets.py

# Each notebook's time as well: make bench-loop CHAPTERS=1
bench-loop: $(ready) ## Time imports, commands and the widgets' Python side
	@$(py) tools/bench_loop.py $(if $(CHAPTERS),--chapters)

# ROUNDS of each runner on each case: make bench-engines ROUNDS=3, for a quick look.  It ends within
# five minutes.  What was timed goes to build/; RECORD=1 writes the record that the book draws.
# MODELS=folder times the .tflite models of a folder in place of the project's own networks.
bench-engines: $(agreement_ready) ## Time the engines beside the runtimes people deploy with
	.venv-agreement/bin/python -m tools.bench_engines $(if $(ROUNDS),--rounds $(ROUNDS)) \
	    $(if $(RECORD),--record) $(if $(MODELS),--models $(MODELS))

# The files go to build/; RECORD=1 writes those that are committed, in book/own_model/.
own-model: $(own_model_ready) ## Train and convert a small model with TensorFlow and ONNX Runtime
	.venv-own-model/bin/python -m tools.own_model $(if $(RECORD),--record)

compile := .cache/lock/bin/uv pip compile --quiet --universal --fork-strategy fewest --generate-hashes \
    --only-binary :all: --annotation-style line --custom-compile-command 'make lock'
beside := --group build --constraint requirements.lock

# Pins that still fit are kept; delete a lock first to get the newest of everything in it. Only
# requirements-torch.lock is written by hand, and says why.
lock: ## Write the locks anew from pyproject.toml
	@$(need_python)
	@$(PYTHON) -m venv .cache/lock
	@.cache/lock/bin/python $(install) --quiet $(verified) -r requirements-uv.lock
	$(compile) pyproject.toml --extra test -o requirements.lock
	$(compile) pyproject.toml --extra agreement $(beside) --no-emit-package torch \
	    -o requirements-agreement.lock
	$(compile) pyproject.toml --extra own-model $(beside) -o requirements-own-model.lock
	$(compile) pyproject.toml --extra lab $(beside) -o requirements-lab.lock
	$(compile) pyproject.toml --extra plot --extra widgets $(beside) -o .binder/requirements.txt
	$(compile) --group lock -o requirements-uv.lock

lint: $(ready)
	$(py) -m ruff check .
	$(py) -m ruff format --check --quiet tinyq tests tools
	$(py) -m codespell_lib
	$(py) -m mypy

check: lint ## Fast feedback: lint, units and doctests
	$(pytest) -m 'not slow'

clean: ## Remove all that was generated, except the environments
	rm -rf _build build dist .cache *.egg-info .pytest_cache .ruff_cache .hypothesis
	find tinyq tests tools book notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) \
	    -prune -exec rm -rf {} +

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

$(ready): requirements.lock
$(agreement_ready): requirements-agreement.lock requirements-torch.lock
$(lab_ready): requirements-lab.lock
$(own_model_ready): requirements-own-model.lock

# All output goes to stderr, so that `make -s golden` prints the golden text and nothing else.
# One lock after the other: the index that a lock names is asked for no package of another.
$(ready) $(agreement_ready) $(lab_ready) $(own_model_ready): pyproject.toml
	@exec >&2; set -eo pipefail; $(need_python); \
	total=$$(cat $(filter %.lock,$^) | grep -c '^[a-z].*=='); \
	echo "Making $(@D): $$total packages, a minute or two the first time."; \
	$(PYTHON) -m venv $(@D); \
	for lock in $(filter %.lock,$^); do \
	    $(@D)/bin/python $(install) $(verified) -r $$lock; \
	done | awk -v total="$$total" ' \
	    /^Ignoring |\(from -r / { printf "\r%d of %d found", ++found, total } \
	    /^Installing/ { printf "; installing" } { fflush() } END { print "" }'; \
	PYTHONWARNINGS=ignore $(@D)/bin/python $(install) --quiet --no-build-isolation --no-deps --editable .
	@touch $@
