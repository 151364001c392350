# Everything runs in .venv, which holds exactly what requirements.lock names.
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
UV_VERSION := 0.13.9

# The first Python 3.10-3.12 on PATH; `make PYTHON=/path/to/python3.11 ...` chooses another.
IN_RANGE := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.10; do \
	$$p -c '$(IN_RANGE)' >/dev/null 2>&1 && echo $$p && break; done)

# `xtuner` starts the `python` that is first on PATH.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: install demo demo-full reproduce test test-slow test-4.48 check format docs lock clean help

help: ## list the targets
	@grep -hE '^[a-z0-9.-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(STAMP) ## create .venv and install the lock

$(STAMP): requirements.lock setup.py
	@$(if $(PYTHON),,echo 'maskdpo_xtuner needs Python 3.10, 3.11 or 3.12; none is on PATH (set PYTHON=...)' >&2; exit 1)
	@$(PYTHON) -c '$(IN_RANGE)' || { echo 'maskdpo_xtuner needs Python 3.10, 3.11 or 3.12; $(PYTHON) is not one' >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	# The lock is complete, and not what every package asks for: see requirements.overrides.
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps -r requirements.lock
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# The demo's steps are what a user types; each is done once, and goes on when interrupted.
DEMO := work_dirs/smollm2_135m_elements
TRAINED := work_dirs/smollm2_135m_maskdpo
DEMO_CONFIG := configs/smollm2_135m_maskdpo.py

demo: $(STAMP) $(TRAINED)/hf/config.json ## sample, annotate, pair, train, evaluate the built-in default
	python tools/inspect_pairs.py $(DEMO)
	python tools/evaluate.py --models base aligned=$(TRAINED)/hf \
		--training $(TRAINED) --page $(DEMO)/evaluation.html

$(DEMO)/pairs.jsonl: configs/data/smollm2_135m_elements.py | $(STAMP)
	python tools/sample_and_annotate.py

# `xtuner train` and `xtuner convert` do the same, but exit 0 also when they fail.
$(TRAINED)/last_checkpoint: $(DEMO)/pairs.jsonl $(DEMO_CONFIG)
	maskdpo train $(DEMO_CONFIG) --deepspeed zero2

$(TRAINED)/hf/config.json: $(TRAINED)/last_checkpoint
	maskdpo convert pth_to_hf $(DEMO_CONFIG) "$$(cat $<)" $(TRAINED)/hf --safe-serialization

# Three seeds of the demo's recipe and of what it is held against, on the table that it was tuned on
# and on one that it was not, two answers to each question. A run is TABLE-RECIPE-SEED, and each is
# done once.
FULL := work_dirs/demo_full
TABLES := elements countries
FULL_MODELS = $(foreach recipe,maskdpo sft dpo,$(foreach seed,1 2 3,$(1)-$(recipe)-$(seed)))

demo-full: $(STAMP) $(foreach table,$(TABLES),demo-full-$(table)) ## hours: seeds, baselines, a second table

demo-full-%: $(STAMP)
	python tools/sample_and_annotate.py configs/data/smollm2_135m_$*.py
	$(MAKE) $(patsubst %,$(FULL)/%/hf/config.json,$(call FULL_MODELS,$*))
	python tools/evaluate.py configs/data/smollm2_135m_$*.py --page $(FULL)/$*.html \
		--models base $(foreach run,$(call FULL_MODELS,$*),$(subst -,_,$(run))=$(FULL)/$(run)/hf) \
		--work-dir $(FULL)/evaluation_$* --cfg-options evaluation.num_runs=2

full_word = $(word $(2),$(subst -, ,$(1)))
full_config = configs/$(if $(filter maskdpo,$(1)),,ablations/)smollm2_135m_$(1).py

# Made on the way to another file, they would be removed.
.PRECIOUS: $(FULL)/%/last_checkpoint $(FULL)/%/hf/config.json

$(FULL)/%/last_checkpoint:
	maskdpo train $(call full_config,$(call full_word,$*,2)) --deepspeed zero2 --work-dir $(@D) \
		--seed $(call full_word,$*,3) --cfg-options train_dataloader.dataset.dataset.path=$(\
		)work_dirs/smollm2_135m_$(call full_word,$*,1)/pairs.jsonl

$(FULL)/%/hf/config.json: $(FULL)/%/last_checkpoint
	maskdpo convert pth_to_hf $(call full_config,$(call full_word,$*,2)) "$$(cat $<)" $(@D) \
		--safe-serialization

reproduce: $(STAMP) ## hours: every experiment of the paper in small; goes on when interrupted
	maskdpo reproduce all --small --run --report work_dirs/paper/report.md

test: $(STAMP) ## the tests of every day
	python -m pytest -m 'not slow' -n 2

test-slow: $(STAMP) ## the tests that take minutes each
	python -m pytest -m slow

OLDER := $(VENV)/transformers-4.48

test-4.48: $(STAMP) $(OLDER) ## the training tests on the oldest transformers
	PYTHONPATH=$(OLDER) python -m pytest -m 'not slow' -n 2 \
		tests/batches tests/masking tests/modeling tests/objectives tests/training

$(OLDER): requirements.4.48 | $(STAMP)
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --target $@ -r $<
	touch $@

check: $(STAMP) ## lint, format and types
	ruff check .
	ruff format --check .
	mypy

format: $(STAMP) ## rewrite the files as the linter wants them
	ruff check --fix .
	ruff format .

# The site needs none of the package's own dependencies: docstrings are read, not imported.
DOCS_VENV := build/docs-venv

docs: $(DOCS_VENV)/.installed ## build the documentation, strictly, into build/site
	NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --strict
	@echo build/site/index.html

$(DOCS_VENV)/.installed: docs/requirements.txt
	$(PYTHON) -m venv --clear $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

lock: ## resolve setup.py anew into requirements.lock
	$(BIN)/uv pip compile setup.py --all-extras --universal --python-version 3.10 \
		--override requirements.overrides \
		--generate-hashes --no-emit-index-url --no-header --quiet -o requirements.lock

clean: ## remove what was built; work_dirs and the model cache stay
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
