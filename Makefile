# `make help` lists the targets. Every target installs what it needs into .venv first.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

export DO_NOT_TRACK := 1

.PHONY: help install lock
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/installed ## Make .venv from the hash-pinned lock

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 is needed, {sys.executable} is {v[0]}.{v[1]}; name another with: make install PYTHON=python3.11")'
	@echo "Installing into .venv (a minute or two, once) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

lock: ## Resolve pyproject.toml anew into requirements.lock (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --upgrade --quiet --output-file requirements.lock

.PHONY: superset test-superset superset-lock
superset: install .venv-superset/installed ## Apache Superset on the marts, with a dashboard; Ctrl-C ends it
	@$(BIN)/spacelift-usage superset

test-superset: install .venv-superset/installed ## Superset's charts against SQL, in a browser; needs chromium
	@$(BIN)/python -m pytest dashboards/superset

superset-lock: ## Resolve dashboards/superset/requirements.in anew (needs uv)
	uv pip compile dashboards/superset/requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --upgrade --quiet --output-file dashboards/superset/requirements.lock

# Superset wants another SQLAlchemy and pandas than Dagster and dbt.
.venv-superset/installed: dashboards/superset/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info[:2] == (3, 11) else "Superset is run on Python 3.11 here; name one with: make $(MAKECMDGOALS) PYTHON=python3.11")'
	@echo "Installing Superset into .venv-superset (a minute or two, once) ..."
	@$(PYTHON) -m venv --clear .venv-superset
	@.venv-superset/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

.PHONY: docs
docs: install ## Models, columns, metrics and lineage as one HTML file
	@$(BIN)/spacelift-usage docs

.PHONY: demo demo-self-hosted ui test-ui test lint bench soak soak-inputs soak-kills
demo: install ## Real daily runs over the built-in demo account, then the billing summary
	@$(BIN)/spacelift-usage demo

demo-self-hosted: install ## The same account as a self-hosted Spacelift reports it, with the same summary
	@$(BIN)/spacelift-usage demo --self-hosted

ui: install ## Dagster UI: your account when one is configured, else the demo
	@$(BIN)/spacelift-usage ui

test-ui: install ## The Dagster UI in a browser, two minutes; needs chromium
	@$(BIN)/python -m pytest tests/ui

test: install ## The whole test suite, on an embedded Postgres
	@$(BIN)/python -m pytest --numprocesses=3

.PHONY: dashboard pictures
dashboard: install ## Write the dashboard anew and open it in a browser
	@$(BIN)/spacelift-usage dashboard --open

pictures: install ## Make docs/pictures anew (needs chromium and pngquant)
	@$(BIN)/python docs/make_pictures.py

lint: install ## ruff, mypy, sqlfluff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@cd dbt_project && ../$(BIN)/sqlfluff lint --processes 2 models tests/*.sql

bench: install ## Benchmarks, printed as ratios
	@$(BIN)/python benchmarks/landing.py
	@$(BIN)/python benchmarks/daily_run.py
	@$(BIN)/python benchmarks/increment.py
	@$(BIN)/python benchmarks/billing_marts.py

soak: soak-inputs soak-kills ## The long tests: a million made-up files, sixty kills; two hours

soak-inputs: install ## A million made-up files through the reader of usage files, more than an hour
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --editable '.[soak]'
	@$(BIN)/python tests/soak/fuzz_usage_csv.py -runs=1100000 -max_len=2048 -timeout=10 -verbosity=0

soak-kills: install ## Runs killed at any moment and run again, more than half an hour
	@$(BIN)/python tests/soak/kill_runs.py
