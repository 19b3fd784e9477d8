# Everything the project does, from one place. `make` alone lists it.
# Needs make, Python 3.11 and (for the sandbox, once) Go; `make demo` and `make test` set up the rest as root.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

BIN := .venv/bin
READY := .venv/.ready
LINTED := .venv/.playbooks-linted
CACHE := $(or $(KUNLUN_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kunlun)

.PHONY: help demo demo-down test test-parts test-crashes check crash crash-cutover chaos faults generated probe scale format manifests sandbox sandbox-down bench peers

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## the whole way: sandbox, request, plan, approval, a web server that answers
	@$(BIN)/kunlun demo

demo-down: $(READY) ## end the demo's sandbox and forget it
	@$(BIN)/kunlun sandbox down --wipe

test: check ## check, then the real parts: component tests, end-to-end tests, one run of each crash point
	@$(MAKE) --no-print-directory --jobs=2 test-parts test-crashes

test-parts: $(READY) ## component tests and end-to-end tests, in two halves with a sandbox each
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder tests/component tests/e2e

test-crashes: $(READY) ## one run of each crash point, and of some without recovery; they mostly wait
	$(BIN)/python -m pytest tests/crash

crash: $(READY) ## every crash point with five seeds; a table, and exit code 1 unless nothing was lost, doubled or left
	@$(BIN)/python -m tests.crash --seeds 5

crash-cutover: $(READY) ## kill -9 at every step of a cutover, there and back (some hours); SEEDS="--seeds 3"; exit code 1 unless each came out right
	@$(BIN)/python -m tests.crash.cutover $(SEEDS)

chaos: $(READY) ## ten requests for a quarter of an hour, with kills at random
	@$(BIN)/python -m tests.crash.chaos --minutes 15 --requests 10

faults: $(READY) ## every fault on every kind of call; a table, and exit code 1 unless each heals by itself
	@$(BIN)/python -m tests.faults

generated: $(READY) ## 10,000 generated requests through admission and planning, and where each was decided
	KUNLUN_GENERATED=10000 $(BIN)/python -m pytest -s tests/e2e/test_generated.py

probe: $(READY) ## packets from everybody to everybody in 3 departments and 3 zones; exit code 1 unless all is as declared
	@$(BIN)/python -m tests.proof

check: $(READY) ## format, lint, types, import contracts, playbooks, unit and golden tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/kunlun manifests --check
	@$(MAKE) --no-print-directory $(LINTED)
	$(BIN)/python -m pytest -q tests/unit tests/golden

format: $(READY) ## format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

manifests: $(READY) ## write the Kubernetes manifests made from the API models
	$(BIN)/kunlun manifests

sandbox: $(READY) ## start the sandbox and its operator
	@$(BIN)/kunlun sandbox up

sandbox-down: $(READY) ## end the sandbox; its state stays
	@$(BIN)/kunlun sandbox down

bench: sandbox ## figures of the design, measured on the sandbox
	PATH="$(lastword $(wildcard $(CACHE)/toolchain/pulumi-*)):$$PATH" $(BIN)/python -m tests.bench.latency

peers: sandbox ## beside the best script and, where present, terraform, ansible and the openstack command; PEERS="--runs 3"
	@$(BIN)/python -m tests.bench.peers $(PEERS)

scale: $(READY) ## memory, time, fairness and restart with 1,000 requests (over an hour); SCALE="--requests 50 --departments 5"
	PATH="$(lastword $(wildcard $(CACHE)/toolchain/pulumi-*)):$$PATH" $(BIN)/python -m tests.bench.scale $(SCALE)

# The stamp makes every later run skip the set-up until the lock file or the set-up itself changes.
$(READY): .ci/bootstrap pyproject.toml uv.lock
	@.ci/bootstrap
	@touch $@

# Ten seconds of work: again only when a playbook or a rule has changed.
$(LINTED): $(READY) .ansible-lint $(shell find playbooks -type f)
	$(BIN)/ansible-lint --offline -q playbooks
	@touch $@
