# One command each; `make` lists them. VENV and PYTHON may be set, e.g. make test VENV=/tmp/venv
# TORCH=cpu installs PyTorch without CUDA, which is a quarter as large: make demo TORCH=cpu

VENV ?= .venv
PYTHON ?= python3
BIN = $(VENV)/bin
TORCH ?=
TORCH_INDEX = https://download.pytorch.org/whl/$(TORCH)
PIP = $(BIN)/pip install --quiet --disable-pip-version-check
ifeq ($(TORCH),)
SIZE = 6 GB of disk, 5 to 15 minutes, most of it PyTorch with CUDA (make $(MAKECMDGOALS) TORCH=cpu: 1.5 GB)
else
SIZE = 1.5 GB of disk or more, 2 to 5 minutes
endif
INSTALLED = $(VENV)/.gancli-installed
DEMO = runs/demo
# Parallel test processes must not each take every core. Each has half of the tests, in their order,
# so that tests of a file share what it makes once; who is done first takes over from the other.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help install format lint type test test-slow check bench fuzz survive health zoo kernel gpu demo

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

install: $(INSTALLED) ## make the virtual environment and install gancli into it

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "gancli needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "installing gancli into $(VENV): about $(SIZE)"
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH),$(PIP) --index-url $(TORCH_INDEX) torch torchvision)
	$(PIP) --editable '.[dev]'
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
	$(PYTEST) -m "slow and not gpu" --durations=20 --durations-min=20

survive: install ## kill runs of seven models 100 times, resume each and compare (KILLS=, SEED=)
	OMP_NUM_THREADS=1 $(BIN)/python tests/survive.py --kills $(or $(KILLS),100) $(if $(SEED),--seed $(SEED))

health: install ## train runs made to fail, and count the verdicts on them (JOBS=, OUT=)
	OMP_NUM_THREADS=1 $(BIN)/python tests/health_table.py $(if $(JOBS),--jobs $(JOBS)) $(if $(OUT),--out $(OUT))

zoo: install ## train, pack and describe the generators of the zoo (ONLY=, OUT=); needs GANCLI_DATA
	$(BIN)/python tests/make_zoo.py $(if $(ONLY),--only $(ONLY)) $(if $(OUT),--out $(OUT))

kernel: install ## assemble the laboratory's matrix product, kernel.wat, into kernel.wasm
	$(BIN)/python tests/make_kernel.py

gpu: install ## on a CUDA device: all tests that need one, then the table of docs/gpu.md (ONLY=, OUT=)
	-$(BIN)/python -m pytest -n 0 -q -m gpu
	$(BIN)/python tests/gpu_table.py $(if $(ONLY),--only $(ONLY)) $(if $(OUT),--out $(OUT))

check: lint type test ## what must pass before a commit

bench: install ## time every model's step beside two plain loops (on a quiet machine)
	$(BIN)/gan bench train

fuzz: install ## 20 minutes of garbage for every command; FUZZ="--seed N" repeats one case
	cd tests && OMP_NUM_THREADS=1 $(abspath $(BIN))/python -m fuzz $(FUZZ)

demo: install ## a short collapse study: three GANs on eight Gaussians, one of which collapses
	@echo "training three small GANs: about 100 seconds on two cores"
	$(BIN)/gan collapse-study --models gan,sngan,wgan-gp --seeds 1 --steps 800 --out $(DEMO)
	@echo "open it in a browser: $(DEMO)/report.html"
