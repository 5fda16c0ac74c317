# Vigil's front door. `make` lists what it can do.
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
DEMO_SECONDS ?=
SOAK_MINUTES ?=
SOAK_RATE ?=
QUICK ?=
MINUTES ?=
BENCH_QUICK = $(PY) -m bench.suite --quick --fresh --results .cache/bench-quick --report .cache/bench-quick
TEST_WORKERS ?= 4
# Some assert what a broker and a gateway come to within seconds: by themselves, unless it is asked for.
KAFKA_TEST_WORKERS ?= 0
# Whole files, for what a file's tests share, a broker or a worker, is started once; in the order of tests/conftest.py.
# No process is started again: when one dies, xdist 3.8.0 has the next one run the fatal test and then waits for ever.
BESIDE := --dist loadfile --no-loadscope-reorder --max-worker-restart 0 -n

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-browser test-kafka test-drills lint fix check contracts rulesets dashboards bench-engine bench-gateway bench-board bench-history drills bench bench-quick soak release audit clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/runtime.stamp: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Vigil needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock $(VENV)/runtime.stamp
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/kernels.stamp: $(wildcard clinical/kernels/*.py) $(VENV)/runtime.stamp
	$(PY) -m streams.engine
	@touch $@

setup: $(VENV)/kernels.stamp ## create .venv with the locked dependencies, and compile the kernels

demo: $(VENV)/kernels.stamp ## a simulated ward on an embedded broker, live in the terminal (DEMO_SECONDS=20 ends by itself)
	@./vigil demo $(if $(DEMO_SECONDS),--seconds $(DEMO_SECONDS))

# Each test's process and each worker it starts would compile the sources again.
test test-browser test-kafka test-drills: export PYTHONDONTWRITEBYTECODE :=

test: $(VENV)/dev.stamp $(VENV)/kernels.stamp ## every test that needs neither Kafka nor a browser
	$(PY) -m pytest -q $(BESIDE) $(TEST_WORKERS) -m "not kafka and not browser"

test-browser: $(VENV)/dev.stamp ## the board's pages in a real browser (Chromium)
	$(PY) -m pytest -q -m browser

test-kafka: $(VENV)/dev.stamp ## the tests that need Apache Kafka itself (Java 17 and Maven)
	$(PY) -m pytest -q $(BESIDE) $(KAFKA_TEST_WORKERS) -m "kafka and not drill"

test-drills: $(VENV)/dev.stamp ## short drills of broken brokers and of workers with faults built in; wants a quiet machine
	$(PY) -m pytest -q -m drill

lint: $(VENV)/dev.stamp ## ruff and mypy; changes nothing
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

fix: $(VENV)/dev.stamp ## let ruff mend what it can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

check: lint test ## lint and test

contracts: $(VENV)/runtime.stamp ## write docs/contracts/ again from the models
	$(PY) -m streams.published.schemas docs/contracts

rulesets: $(VENV)/runtime.stamp ## write clinical/rulesets/ again from the built-in rules
	$(PY) -m streams.config.rulesets clinical/rulesets

dashboards: $(VENV)/runtime.stamp ## write deploy/grafana/ again from edge/dashboards
	$(PY) -m edge.dashboards deploy/grafana

bench: $(VENV)/dev.stamp ## Vigil beside its peers on one Kafka, with a report in bench/report.md (35 minutes; QUICK=1: 8; MINUTES=70: all of it)
ifdef QUICK
	$(BENCH_QUICK)
else
	$(PY) -m bench.suite --fresh $(if $(MINUTES),--minutes $(MINUTES))
	$(PY) -m bench.suite.summary bench/report.json README.md docs/performance.md
endif

bench-quick: $(VENV)/dev.stamp ## the same for five systems: one drain each, one burst a base, small blocks; within 8 minutes, report in .cache/bench-quick
	$(BENCH_QUICK)

soak: $(VENV)/dev.stamp ## memory and latency of a worker under a steady load (SOAK_MINUTES=30 SOAK_RATE=10000)
	$(PY) -m bench.soak $(if $(SOAK_MINUTES),--minutes $(SOAK_MINUTES)) $(if $(SOAK_RATE),--rate $(SOAK_RATE))

bench-engine: $(VENV)/dev.stamp ## frames/s per core: Vigil, plain Faust and raw aiokafka on the same Kafka
	$(PY) -m bench.engine

bench-gateway: $(VENV)/dev.stamp ## frames/s of the gateway's core into Kafka, and its time to the acknowledgement
	$(PY) -m bench.gateway

bench-board: $(VENV)/dev.stamp ## ten thousand viewers of one board on one core, one of them stuck, and 1,200 runs in which pages converge
	$(PY) -m bench.board

bench-history: $(VENV)/dev.stamp ## bytes a frame, processor time of the history's writer, time of its answers (QUICK=1: in half the time)
	$(PY) -m bench.history $(if $(VIGIL_DATA),--data $(VIGIL_DATA)) $(if $(QUICK),--quick)

drills: $(VENV)/runtime.stamp ## every fault drill on Apache Kafka, with a summary at the end (Java 17 and Maven)
	$(PY) -m bench.drills all

release: $(VENV)/dev.stamp ## source, lock, bill of materials (CycloneDX) and their SHA-256 sums in build/release
	$(PY) -m bench.supply release build/release

audit: $(VENV)/dev.stamp ## known vulnerabilities of the locked packages; exit code 3 where the service is not reached
	$(PY) -m bench.supply audit

clean: ## remove .venv and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
