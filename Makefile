# What people type. Each target does all the set-up that it needs; deploy/setup.sh is that set-up.
# Every recipe runs what anybody can run by hand: nothing here that the README does not say.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test lint lint-types lint-style lint-sql format bench bench-scale bench-engines bench-per-number bench-files bench-reports bench-explorer explorer-pages clean

PYTHON ?=
EXTRAS ?=
export PYTHON EXTRAS
ROWS ?=
RUNS ?=
SIDES ?=
SVG ?=
WHAT ?=
DAYS ?=
FILES ?=
FOLDER ?=
PYTEST_ARGS ?= -n 3 --dist loadfile --no-loadscope-reorder
BIN := .venv/bin
OURS := pipelines assets resources sql explorer tests deploy

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: ## .venv with the command .venv/bin/cdr-reports; PYTHON=python3.12 and EXTRAS=s3 to choose
	@deploy/setup.sh

setup-dev: ## the same with the tools of `make test`
	@deploy/setup.sh --dev

demo: setup ## a small night from made-up calls to reports and an e-mail, all in one folder
	$(BIN)/cdr-reports demo

test: lint ## the linters, then every test
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest $(PYTEST_ARGS)

lint: setup-dev ## ruff, mypy --strict and sqlfluff
	@$(MAKE) --no-print-directory -j 2 -O lint-types lint-style lint-sql

lint-types:
	$(BIN)/mypy

lint-style:
	$(BIN)/ruff check
	$(BIN)/ruff format --check

lint-sql:
	$(BIN)/sqlfluff lint --disable-progress-bar sql

format: setup-dev ## put the code and the SQL into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/sqlfluff fix --disable-progress-bar sql

bench: setup-dev ## measure a night beside DuckDB, PostgreSQL, pandas and polars; ROWS=10_000_000 for a large one
	$(BIN)/python -m tests.bench.night $(if $(ROWS),--rows $(ROWS)) $(if $(RUNS),--runs $(RUNS)) $(if $(SIDES),--sides '$(SIDES)') $(if $(SVG),--svg $(SVG))

bench-scale: setup-dev ## measure nights of several sizes, a back-fill and a late file; WHAT='rows backfill late' to choose
	$(BIN)/python -m tests.bench.scale $(WHAT) $(if $(ROWS),--rows $(ROWS))

bench-engines: setup-dev ## measure a night on DuckDB and on Spark (EXTRAS=spark); ROWS=5_000_000 for a large one
	$(BIN)/python -m tests.bench.engines $(if $(ROWS),--rows $(ROWS))

bench-per-number: setup-dev ## measure questions for numbers; ROWS=1_000_000 DAYS=60 for a large one
	$(BIN)/python -m tests.bench.per_number $(if $(ROWS),--rows $(ROWS)) $(if $(DAYS),--days $(DAYS)) $(if $(FOLDER),--folder $(FOLDER))

bench-files: setup-dev ## measure very many small files; FILES=10_000 for a large one
	$(BIN)/python -m tests.bench.many_files $(if $(FILES),--files $(FILES)) $(if $(ROWS),--rows $(ROWS))

bench-reports: setup-dev ## measure a report of very many rows in each format: time and memory
	$(BIN)/python -m tests.bench.large_report $(if $(ROWS),--rows $(ROWS))

explorer-pages: ## build explorer/static from explorer/web; the one thing here that needs Node
	cd explorer/web && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs

bench-explorer: setup-dev ## measure the explorer; DAYS=90 ROWS=50_000 stored rows a day when not said
	$(BIN)/python -m tests.bench.explorer $(if $(ROWS),--rows $(ROWS)) $(if $(DAYS),--days $(DAYS)) $(if $(FOLDER),--folder $(FOLDER))

clean: ## remove what the other targets made here, .venv too
	rm -rf .venv .uv dist explorer/web/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find $(OURS) -name __pycache__ -prune -exec rm -rf {} +
