# Leadflow's commands. `make help` lists them with a sentence each.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
LEADS := $(BIN)/leads
STAMP := .venv/installed
TRACKER := services/capture/tracker
# What `make test` runs; folders that are not there yet are left out.
TESTED := $(wildcard tests/integration tests/e2e tests/unit tests/pipeline)  # what takes a worker of its own first

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
.PHONY: help install packages demo up status down clean test test-all lint bench mutate requirements generate chaos chaos-spool tracker

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
	@$(BIN)/python -m pytest -m 'not slow' -n 2 $(TESTED)

test-all: install ## Run every test there is, the long ones too.
	@$(BIN)/python -m pytest tests

lint: install $(TRACKER)/node_modules/.package-lock.json ## Check style, types, import rules, and whether generated files are current.
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m shared.generate --check
	@$(BIN)/python -m deploy.generate --check
	@$(BIN)/python -m services.enrich.generate --check
	@$(BIN)/python -m services.route.generate --check
	@cd $(TRACKER) && npm run --silent check && npm run --silent build -- --check
	@$(BIN)/python -m services.capture.generate --check
	@$(BIN)/python -m services.score.generate --check

bench: install ## Measure speed with a real Kafka and Postgres on this machine.
	@$(LEADS) bench

.PHONY: bench-growth
bench-growth: install ## CPU per lead with 10 thousand, 100 thousand and a million leads in the stores: SIZES=10000,100000,1000000.
	@$(BIN)/python -m tests.bench.growth --sizes $(or $(SIZES),10000,100000,1000000)

chaos: install ## Break a stack of its own by every fault there is and check the promises: MINUTES=2 SEED=1, WRITE=1 adds to RESULTS.md.
	@$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),2) --seed $(or $(SEED),1) $(if $(WRITE),--write)

chaos-spool: install ## Kafka, Postgres and both away under steady posts, capture killed while it drains: MINUTES=5 of each, PER_SECOND=300, WRITE=1.
	@$(BIN)/python -m tests.chaos spool --minutes $(or $(MINUTES),5) --per-second $(or $(PER_SECOND),300) $(if $(WRITE),--write)

.PHONY: scale-drill
scale-drill: install ## Each stage from one instance to three and to two under load, with kills between: PER_SECOND=100.
	@$(BIN)/python -m tests.chaos.scaling --per-second $(or $(PER_SECOND),100)

mutate: install ## Break the delivery core's safeguards and score's counting one by one in a copy; the tests must turn red each time.
	@$(BIN)/python -m tests.mutate

generate: install ## Write the files that come from the code or from libraries: schemas, AsyncAPI, the pictures, names of countries, languages and time zones, crawlers, names of forms' fields, the ruleset's schema.
	@$(BIN)/python -m shared.generate
	@$(BIN)/python -m deploy.generate
	@$(BIN)/python -m services.enrich.generate
	@$(BIN)/python -m services.route.generate
	@$(BIN)/python -m services.capture.generate
	@$(BIN)/python -m services.score.generate

tracker: $(TRACKER)/node_modules/.package-lock.json ## Build leads.js from services/capture/tracker/src; the built file is committed.
	@cd $(TRACKER) && npm run --silent check && npm run --silent build

$(TRACKER)/node_modules/.package-lock.json: $(TRACKER)/package-lock.json
	@cd $(TRACKER) && npm ci --silent
	@touch $@

.PHONY: abuse fuzz
fuzz: install ## Send broken bodies through capture's decoders and on to enrich, ever new ones: MINUTES=10.
	@$(BIN)/python -m tests.unit.capture.fuzz --minutes $(or $(MINUTES),10)

abuse: install ## Abuse a capture for a few minutes while an honest sender is timed; prints a table.
	@$(BIN)/python -m tests.abuse

requirements: install ## Pin requirements/*.in anew, with hashes, and the Python SDKs of tests/e2e/sdks.
	@test -x var/pin/bin/pip-compile || { $(PYTHON) -m venv var/pin && var/pin/bin/pip install --quiet pip-tools; }
	@for set in requirements/runtime requirements/dev tests/e2e/sdks/requirements; do var/pin/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
		--no-header --no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--output-file $$set.txt $$set.in; done
