# make help lists the targets.
SHELL := /bin/sh
.DEFAULT_GOAL := help
FIND_PYTHON := for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done
PYTHON ?= $(shell $(FIND_PYTHON))
BIN := .venv/bin
OLDEST := .venv-oldest/bin
DEMO := build/demo

.PHONY: help install demo test test-oldest test-oldest-first fuzz soak year lint format docs bench bench-small profile bench-analyses bench-athena wheel wheels clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/installed: pyproject.toml hatch_build.py $(wildcard flowdb/*.[ch])
	@test -n "$(PYTHON)" || { echo "flowdb needs Python 3.11 or later" >&2; exit 1; }
	@echo "Installing flowdb into .venv, which takes a minute or two" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[report]'
	@touch $@

.venv/dev: pyproject.toml hatch_build.py $(wildcard flowdb/*.[ch])
	@test -n "$(PYTHON)" || { echo "flowdb needs Python 3.11 or later" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --no-compile --editable '.[dev]'
	@touch .venv/installed $@

.venv-oldest/dev: pyproject.toml tests/oldest.txt
	@test -n "$(PYTHON)" || { echo "flowdb needs Python 3.11 or later" >&2; exit 1; }
	$(PYTHON) -m venv .venv-oldest
	$(OLDEST)/pip install --quiet --editable '.[dev]' --constraint tests/oldest.txt
	@touch $@

install: .venv/installed ## install flowdb into .venv, and tell how to begin
	@echo 'flowdb is installed. Put it on the path of this shell, and see what it does:'
	@echo
	@echo '    export PATH="$(CURDIR)/$(BIN):$$PATH"'
	@echo '    flowdb --help'

demo: .venv/installed ## ingest the sample logs and print three analyses
	@rm -rf $(DEMO)
	@set -e; export FLOWDB_STORE=$(DEMO)/flows; \
	echo "\$$ flowdb ingest docs/samples"; $(BIN)/flowdb ingest docs/samples; \
	for analysis in "rejected-sources --top 5" "top-talkers --by pair --top 5" "service-flows --top 5"; do \
		echo; echo "\$$ flowdb $$analysis"; $(BIN)/flowdb $$analysis; \
	done; \
	echo; echo "With logs of your own: make install" >&2

# Files are given out as they are collected, the long ones under tests/reliability/ first. What waits for a disk
# a thousand times lies in memory, where there is room for it.
BESIDES := --numprocesses 2 --dist loadfile --no-loadscope-reorder
ROOM := $(shell grep -qs ' /dev/shm tmpfs [^ ]*noexec' /proc/mounts || df -Pk /dev/shm 2>/dev/null \
	| awk 'NR == 2 && $$4 > 4000000 { print "TMPDIR=/dev/shm" }')

test: .venv/dev ## run the tests
	$(ROOM) $(BIN)/pytest $(BESIDES)

# What is the same with every DuckDB and pyarrow: what attacks the store from outside, what reads bytes, pages.
NOT_AGAIN := reliability/test_bombs reliability/test_cost reliability/test_damage reliability/test_faults \
	reliability/test_hostile_values reliability/test_limits reliability/test_members_and_links \
	reliability/test_permissions reliability/test_power reliability/test_readers reliability/test_writers \
	reliability/test_year test_analyses_properties test_analysis_commands test_benchmarks test_cli \
	test_completion test_delivery test_docs test_helping test_keys test_native test_odd_places test_pages test_readme test_records_properties \
	test_remote test_repeating test_screens test_shapes test_shapes_properties test_site test_sources test_terminal test_wheel
test-oldest: .venv-oldest/dev ## run the tests with the oldest DuckDB and pyarrow that are supported
	$(ROOM) $(OLDEST)/pytest $(BESIDES) $(NOT_AGAIN:%=--ignore tests/%.py)

# What would be wrong first.
FIRST := reliability/test_upgrade test_addresses test_analyses_reference test_columnar test_conversations test_database \
	test_functions test_ocsf test_shell test_store
test-oldest-first: .venv-oldest/dev ## run some of them, in a minute or two
	$(ROOM) $(OLDEST)/pytest $(BESIDES) $(FIRST:%=tests/%.py)

FUZZ_SECONDS ?= 300
fuzz: .venv/dev ## fuzz the reading of sources for a while (FUZZ_SECONDS)
	$(BIN)/pip install --quiet 'atheris>=2.3'
	$(BIN)/python -m tests.fuzz_seeds build/fuzz/seeds
	mkdir -p build/fuzz/found
	$(BIN)/python -m tests.fuzz build/fuzz/found build/fuzz/seeds -max_total_time=$(FUZZ_SECONDS) \
		-artifact_prefix=build/fuzz/ -timeout=20 -rss_limit_mb=4096 -print_final_stats=1

MINUTES ?= 10
soak: .venv/dev ## do things to a store at random, kill most of them, and compare it with a model (MINUTES)
	$(BIN)/python -m tests.reliability.soak --minutes $(MINUTES)

DAYS ?= 365
year: .venv/dev ## ingest every five minutes for a simulated year (DAYS)
	$(BIN)/python -m tests.reliability.year --days $(DAYS)

lint: .venv/dev ## check style and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

format: .venv/dev ## put the code into shape
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: .venv/dev ## generate the pages that are made from the code, and build the site into build/site
	$(BIN)/python -m docs.generate
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

.venv/bench: .venv/dev
	$(BIN)/pip install --quiet --editable '.[bench]'
	@touch $@

BENCH ?=
bench: .venv/bench ## measure flowdb beside its peers and write benchmarks/RESULTS.md (BENCH="--only ingest,queries")
	$(BIN)/python -m benchmarks $(BENCH)

bench-small: .venv/dev ## measure a little, and fail where a ratio is a third worse than recorded
	$(BIN)/python -m benchmarks.small

profile: .venv/bench ## tell where the time of an ingest and of two questions goes: the tables of docs/performance.md
	$(BIN)/python -m benchmarks.profiling

bench-analyses: .venv/dev ## measure every analysis beside the plainest query that answers the same (10 million records)
	$(BIN)/python -m benchmarks.analyses

bench-athena: .venv/dev ## tell what every analysis of a generated month would cost in Athena, and takes here
	$(BIN)/python -m benchmarks.athena_cost

wheel: .venv/dev ## build the wheel for this machine into dist/
	$(BIN)/python -m build --wheel

wheels: .venv/dev ## build into dist/ the wheels of all platforms, with Zig as the compiler, and one without compiled parts
	$(BIN)/pip install --quiet 'ziglang>=0.15'
	FLOWDB_NATIVE=0 $(BIN)/python -m build --wheel
	set -e; while read -r target platform; do \
		CC="$(CURDIR)/$(BIN)/python -m ziglang cc -target $$target" FLOWDB_TARGET=$$platform \
			$(BIN)/python -m build --wheel; \
	done < .ci/platforms

clean: ## remove what was built and installed
	rm -rf .venv .venv-oldest build dist .mypy_cache .pytest_cache .ruff_cache
