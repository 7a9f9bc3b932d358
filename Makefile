# Everything here works in a fresh clone: the environment is built when it is missing or its lock has changed.
SHELL := bash
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin

.PHONY: help demo test test-long check bench format lock clean

help: ## Show this
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: .venv/.ready ## A whole shop on this machine, until Ctrl-C. ARGS="--orders 5000 --once --json"
	@exec $(BIN)/warren demo $(ARGS)

test: .venv/.ready ## Everything the tests need, then all tests, against real servers
	@$(BIN)/python -m pytest $(ARGS)

test-long: .venv/.ready ## Repetitions and long fault suites
	@$(BIN)/python -m pytest -m "long" --timeout 3600 $(ARGS)

check: .venv/.ready ## Lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/.ready ## Measure. ARGS="--json --only publish"
	@exec $(BIN)/python -m benchmarks $(ARGS)

format: .venv/.ready ## Put the code in order
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: ## Write requirements.lock anew (needs uv)
	@uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header --no-annotate --upgrade --quiet -o requirements.lock

clean: ## Stop this checkout's servers and remove all that was built
	@[ ! -x $(BIN)/warren ] || $(BIN)/warren services down --purge
	@rm -rf .venv .warren .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/.ready: requirements.lock pyproject.toml
	@.ci/venv "$(PYTHON)"
	@touch $@
