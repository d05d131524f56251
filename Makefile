# Each target is one script of bin/; .ci/run calls the same.
.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-engines test-architectures lint soak lock bench-gateway-engine

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@ls bench/*/__main__.py 2>/dev/null | awk -F/ '{printf "make bench-%s\n", $$2}'

setup: ## the environment and the two models; a second run does nothing
	@bin/apt
	@bin/setup

demo: setup ## ask the sample handbook, in English and Chinese, and check every answer
	@bin/demo

up: setup ## the whole appliance in this terminal, until Ctrl-C
	@bin/up

test: setup ## all tests, and their coverage
	@bin/test

test-engines: setup ## the operator's page on models, its commands as they stand, on real engines (some minutes)
	@bin/offline bin/test --durations=3 tests/engines

lint: setup ## every check that reads the code without running it
	@bin/lint

soak: setup ## every repeated case, then an appliance under steady use for an hour
	@bin/soak

test-architectures: setup ## a tiny model of each architecture class on the real vLLM; writes docs/architectures.md (ten minutes)
	@.venv/bin/python -m bin.architectures

lock: ## requirements/lock.txt anew, from pyproject.toml
	@bin/lock

bench-gateway-engine: setup ## our gateway and a bare pass-through before the real vLLM
	@bin/bench gateway --engine

bench-%: setup ## one measurement against peers or limits
	@bin/bench $*
