# One command each; `make` lists them. VENV and PYTHON may be set, e.g. make test VENV=/tmp/venv

VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.gancli-installed
DEMO = runs/demo
DEMO_MODELS = gan sngan wgan-gp
DEMO_STEPS = 800
# Parallel test processes must not each take every core.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

.DEFAULT_GOAL := help
.PHONY: help install format lint type test test-slow check bench demo

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

install: $(INSTALLED) ## make the virtual environment and install gancli into it

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "gancli needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

format: install ## put the code in its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: install ## check format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

type: install ## check types
	$(BIN)/mypy

test: install ## all tests but the slow and gpu ones
	$(PYTEST) -m "not slow and not gpu"

test-slow: install ## many kills, two processes for every preset, README commands
	$(PYTEST) -m "slow and not gpu"

check: lint type test ## what must pass before a commit

bench: install ## time every model's step beside two plain loops (on a quiet machine)
	$(BIN)/gan bench train

demo: install ## train three GANs on eight Gaussians, and see one of them collapse
	@for model in $(DEMO_MODELS); do \
		$(BIN)/gan train $$model --dataset ring8 --steps $(DEMO_STEPS) --out $(DEMO)/$$model --force \
			|| exit 1; \
		echo; \
	done
	@echo "how many of the eight modes each model holds after $(DEMO_STEPS) steps:"
	@for model in $(DEMO_MODELS); do \
		printf '%-8s %s  %s\n' $$model \
			"$$(tail -n 1 $(DEMO)/$$model/metrics.jsonl | grep -o '"modes_held": [0-9]*')" \
			$(DEMO)/$$model/previews/step-$$(printf %06d $(DEMO_STEPS)).png; \
	done
	@echo "pictures: open the files above; numbers: $(DEMO)/MODEL/metrics.jsonl"
