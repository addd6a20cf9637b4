# Leadflow's commands. `make help` lists them with a sentence each.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
LEADS := $(BIN)/leads
STAMP := .venv/installed
# What `make test` runs; folders that are not there yet are left out.
TESTED := $(wildcard tests/unit tests/pipeline tests/integration tests/e2e)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
.PHONY: help install packages demo up status down clean test test-all lint bench mutate requirements generate chaos

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

install: packages $(STAMP) ## Install all that is needed: system packages where they are missing, and .venv with pinned, hashed requirements.

packages:
	@PYTHON=$(PYTHON) deploy/local/install-packages.sh

$(STAMP): requirements/dev.txt pyproject.toml
	@echo "Installing the Python packages into .venv"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## Start everything and show one lead from form to handover.
	@$(LEADS) demo

up: install ## Start the local stack; returns when everything answers.
	@$(LEADS) up

status: install ## Say where everything of the running stack is.
	@$(LEADS) status

down: install ## Stop the local stack; no process and no port is left, the data stays.
	@$(LEADS) down

clean: install ## Stop the local stack and delete its data, logs and secrets; Kafka's jars stay in var/cache.
	@$(LEADS) stack clean

test: install ## Run the tests that must pass before a commit: unit, pipeline, simulation, integration, end to end.
	@$(BIN)/python -m pytest -m 'not slow' $(TESTED)

test-all: install ## Run every test there is, the long ones too.
	@$(BIN)/python -m pytest tests

lint: install ## Check style, types, import rules, and whether generated files are current.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m shared.generate --check
	@$(BIN)/python -m services.enrich.generate --check
	@$(BIN)/python -m services.capture.generate --check

bench: install ## Measure speed with a real Kafka and Postgres on this machine.
	@$(LEADS) bench

chaos: install ## Break a stack of its own by every fault there is and check the promises: MINUTES=2 SEED=1, WRITE=1 adds to RESULTS.md.
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),2) --seed $(or $(SEED),1) $(if $(WRITE),--write)

mutate: install ## Break the delivery core's safeguards one by one in a copy; the tests must turn red each time.
	@$(BIN)/python -m tests.mutate

generate: install ## Write the files that come from the code or from libraries: schemas, AsyncAPI, the picture, names of countries, languages and time zones, crawlers, names of forms' fields.
	@$(BIN)/python -m shared.generate
	@$(BIN)/python -m services.enrich.generate
	@$(BIN)/python -m services.capture.generate

requirements: install ## Pin requirements/*.in anew, with hashes.
	@test -x var/pin/bin/pip-compile || { $(PYTHON) -m venv var/pin && var/pin/bin/pip install --quiet pip-tools; }
	@for set in runtime dev; do var/pin/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
		--no-header --no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--output-file requirements/$$set.txt requirements/$$set.in; done
