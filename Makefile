# Everything a developer or CI does. `make help` lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
BIN := .venv/bin
DATA ?= .data
TESTS ?= tests
WORKERS ?= 2
export PATH := $(CURDIR)/$(BIN):$(PATH)
export REDOCLY_TELEMETRY := off
export REDOCLY_SUPPRESS_UPDATE_NOTICE := true

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/.locked ## Make .venv with exactly the locked packages (again only when the lock changes)

.venv/.locked: requirements-dev.lock
	@scripts/make-venv $(PYTHON)
	@touch $@

node_modules/.locked: package.json package-lock.json .npmrc | setup
	@npm ci --loglevel=error
	@touch $@

.PHONY: run
run: setup ## Serve a demo organization on http://127.0.0.1:8000; data stays in .data
	@exec $(BIN)/python -m app serve --demo

.PHONY: demo
demo: setup ## Walk through a day of field service against a running API and print what happens
	@exec $(BIN)/python -m app demo

.PHONY: test
test: setup node_modules/.locked ## Run all tests (TESTS=path narrows them, WORKERS=n splits them)
	@scripts/test-tools
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(TESTS)

.PHONY: check lint types ladder openapi docker
check: lint types ladder openapi docker ## Lint, types, the ladder of imports, OpenAPI drift, Dockerfile (-k: show all)
lint: setup
	$(BIN)/ruff check --quiet --output-format concise .
	$(BIN)/ruff format --check --quiet --output-format concise .
types: setup node_modules/.locked
	$(BIN)/mypy
	$(BIN)/mypy --strict clients/python/firstfix_offline
	node_modules/.bin/tsc --project clients/typescript --noEmit
ladder: setup
	@$(BIN)/lint-imports --no-cache | sed -n '/^Analyzed/,$$p'
openapi: setup node_modules/.locked
	$(BIN)/python -m app openapi --check
	node_modules/.bin/redocly lint openapi/*.json
docker: setup
	$(BIN)/hadolint Dockerfile

.PHONY: fix
fix: setup ## Let ruff format and repair what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: setup ## Measure requests against a bare handler and print ratios
	@exec $(BIN)/python -m bench

.PHONY: chaos
chaos: setup ## Kill API, worker and database under load and count what is lost or doubled
	@exec $(BIN)/python -m chaos

.PHONY: chaos-offline
chaos-offline: setup ## Kill API and database in the middle of pushes of real offline clients; compare every device
	@PYTHONPATH=clients/python exec $(BIN)/python -m chaos.offline

.PHONY: simulate
SEEDS ?= 20
FIRST ?= 1
STEPS ?= 120
simulate: setup ## Play SEEDS simulations of devices, dispatchers and a bad network (FIRST=seed, STEPS=n)
	@PYTHONPATH=clients/python exec $(BIN)/python -m tests.sim --seeds $(SEEDS) --first $(FIRST) --steps $(STEPS)

.PHONY: mutants
mutants: setup ## Break the offline contract in known ways, in a copy, and show which tests notice
	@exec $(BIN)/python -m tests.mutants

.PHONY: budgets
budgets: setup ## Measure what each exchange with a device costs in bytes, beside its budget
	@exec $(BIN)/python -m bench.budgets

.PHONY: lock
lock: setup ## Resolve the lock files anew from pyproject.toml
	@scripts/lock
