# Everything runs in a virtual environment that this file makes; nothing but Python (3.11 or newer) and make is assumed.
# `make help` lists the targets.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input

# A stamp per set of packages: the demo and the server need only those of the server.
RUNTIME := $(VENV)/.runtime
DEV     := $(VENV)/.dev

# The MongoDB tests need a server. Without MONGODB_URL and without mongod they start SecantusDB from an environment
# of its own: it is GPL-3, so it is never imported and never a dependency. `make test MONGO=no` leaves these tests out.
MONGO     ?= yes
MONGO_VENV := .venv-mongo
SECANTUS  := $(MONGO_VENV)/.installed
ifeq ($(MONGO),no)
  MONGO_SERVER :=
  MONGO_ENV    :=
  MONGO_MARK   := and not mongo
else
  MONGO_SERVER := $(if $(MONGODB_URL)$(shell command -v mongod 2>/dev/null),,$(SECANTUS))
  MONGO_ENV    := CREDENCE_REQUIRE_MONGO=1
  MONGO_MARK   :=
endif

# Some machines forbid Python to keep what it compiled. Then every start compiles a thousand files again, and the
# tests start hundreds of processes.
unexport PYTHONDONTWRITEBYTECODE

ROUNDS ?= 200
# Tests wait about as long as they work: on two cores three at a time take half the time of two.
PROCESSES ?= 3
export CORPUS OUT URL TOKEN PEER PEER_TOKEN KEEP

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-quick test-mongo test-smart check check-style check-types check-layers check-docs check-size check-dependencies \
        format client corpus eval eval-audio judge-eval fuzz bench bench-scale bench-import bench-terminology bench-queue bench-hl7 bench-subscribers bench-voice \
        bench-speech bench-chat \
        faults chaos test-campaign clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNTIME)  ## the whole story, no keys needed: flaky EHR, a call with sound, review, writeback (KEEP=1 leaves it running, TEXT=1 in writing)
	@$(BIN)/credence demo $(if $(KEEP),--keep) $(if $(TEXT),--text)

serve: $(RUNTIME)  ## the FHIR server on http://127.0.0.1:8080/fhir; the first time it writes credence.toml with fresh tokens
	@test -f credence.toml || $(BIN)/credence init --config credence.toml
	@$(BIN)/credence serve --config credence.toml

test: $(DEV) $(MONGO_SERVER)  ## every test but the slow ones, PROCESSES=3 at a time; those that took longest are listed at the end
	@$(MONGO_ENV) $(BIN)/python -m pytest -n $(PROCESSES) --dist loadgroup --no-loadscope-reorder --durations=15 -m "not slow $(MONGO_MARK)" tests $(ARGS)

test-quick: $(DEV)  ## units, contracts and properties, without MongoDB, servers, browsers and drills: while one works on something
	@$(BIN)/python -m pytest -n $(PROCESSES) --dist loadgroup --no-loadscope-reorder -m "not slow and not mongo" tests/unit tests/storage tests/judge $(ARGS)

test-smart: $(DEV)  ## only SMART on FHIR: real apps in a browser, services, attacks
	@$(BIN)/python -m pytest -m "not slow" $(wildcard tests/smart tests/attacks) $(ARGS)

test-mongo: $(DEV) $(MONGO_SERVER)  ## only the tests that need a server on the MongoDB wire
	@$(MONGO_ENV) $(BIN)/python -m pytest -m "mongo and not slow" tests $(ARGS)

check: check-style check-types check-layers check-docs check-size check-dependencies  ## style, types, layers, documents, sizes, dependencies

check-style: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-types: $(DEV)
	$(BIN)/mypy

check-layers: $(DEV)
	$(BIN)/lint-imports

check-docs: $(DEV)
	$(BIN)/python scripts/check_docs.py

check-size: $(DEV)
	$(BIN)/python scripts/check_size.py

check-dependencies: $(DEV)
	$(BIN)/python scripts/audit_dependencies.py

client: $(DEV)  ## make the typed client of the platform API anew, from its description
	@$(BIN)/python scripts/make_client.py

format: $(DEV)  ## put the sources into the form that check asks for
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

eval: $(RUNTIME)  ## calls by simulated callers, judged by the world afterwards: every scenario five times (ARGS=… for credence eval)
	@$(BIN)/credence eval --runs 5 $(ARGS)

eval-audio: $(RUNTIME)  ## the scenarios for the ear through the telephone, once: about a quarter of an hour (ARGS=… for credence eval)
	@$(BIN)/credence eval --by audio $(ARGS)

corpus: $(DEV)  ## every suite over ../shared/corpus (CORPUS=DIR another folder, OUT=FILE the result as JSON)
	@$(BIN)/python -m tests.corpus

judge-eval: $(DEV)  ## precision and recall of the judges on labelled calls (ARGS=--misses names what they missed)
	@$(BIN)/python -m tests.judge $(ARGS)

fuzz: $(DEV)  ## 20,000 mutated resources and queries, then schemathesis by the OpenAPI descriptions (ARGS="--seed 2")
	@$(BIN)/python -m tests.fuzz $(ARGS)
	@$(BIN)/python -m tests.fuzz.described
	@$(BIN)/python -m tests.fuzz.platform
	@$(BIN)/python -m tests.fuzz.chat

bench: $(DEV)  ## measure the server (URL=… TOKEN=… a running one; PEER=URL PEER_TOKEN=… another in turn; OUT=FILE JSON)
	@$(BIN)/python -m benchmarks $(ARGS)

bench-scale: $(DEV)  ## do searches stay as fast from 10,000 to 1,000,000 resources? (SIZES=…; a quarter of an hour)
	@$(BIN)/python -m benchmarks.scale

bench-match: $(DEV)  ## how long matching takes among 100,000 patients (PATIENTS=…; some minutes)
	@$(BIN)/python -m benchmarks.match

bench-terminology: $(DEV)  ## import a generated CodeSystem of a million concepts and ask it (ARGS="--size 100000 --links 360000")
	@$(BIN)/python -m benchmarks.terminology $(ARGS)

bench-arrival: $(DEV)  ## what the world model costs when 100,000 records of an EHR arrive (COUNT=…)
	@$(BIN)/python -m benchmarks.arrival

bench-import: $(DEV)  ## how fast Synthea bundles are imported
	@$(BIN)/python -m benchmarks.synthea

bench-queue: $(DEV)  ## how soon a claim is in the review queue at 200 claims a second (RATE=… QUEUE_SECONDS=…)
	@$(BIN)/python -m benchmarks.review_queue

bench-hl7: $(DEV)  ## how fast HL7v2 messages arrive over MLLP (COUNT=… CONNECTIONS=… PATIENTS=… WORKERS=… MESSAGES=folder)
	@$(BIN)/python -m benchmarks.hl7_arrival

bench-voice: $(DEV)  ## how fast calls answer, from their recordings (CALLS=100 AT_ONCE=20 SLOW=1.5 KEEP=folder)
	@$(BIN)/python -m benchmarks.voice_calls

bench-subscribers: $(DEV)  ## does a subscriber that hangs delay the others? (ARGS="--rounds 10 --events 100")
	@$(BIN)/python -m benchmarks.subscribers $(ARGS)

bench-chat: $(DEV)  ## how soon the first token comes in 500 conversations at once (ARGS="--conversations 500 --think 10 --workers 2")
	@$(BIN)/python -m benchmarks.chat $(ARGS)

bench-speech: $(DEV)  ## what the local recogniser makes of synthetic callers (VOICES=2)
	@$(BIN)/python -m benchmarks.speech_local

faults: $(DEV)  ## the long failure drills: kill -9 (ROUNDS=200), bookings, writebacks, HL7v2 messages, notified events, leases
	$(BIN)/python -m tests.faults.kill_9 --rounds $(ROUNDS)
	$(BIN)/python -m tests.faults.booking_race
	$(BIN)/python -m tests.faults.writeback_storm --count 500
	$(BIN)/python -m tests.faults.hl7_kill_9 --rounds 20
	$(BIN)/python -m tests.faults.hl7_kill_9 --rounds 20 --workers 2
	$(BIN)/python -m tests.faults.subscriber_kills --events 10000 --kills 10
	$(BIN)/python -m tests.faults.lease_handover --rounds 10 --kills 4

test-campaign: $(DEV)  ## 10,000 patients at 100 times the pace of the day, everything killed 20 times; judged by the carrier's log (ARGS="--patients 1000")
	@$(BIN)/python -m tests.faults.campaign_storm $(ARGS)

chaos: $(DEV)  ## three EHRs at 20 % faults of every kind, the server killed every 30 s, for ten minutes; then all agree (ARGS="--minutes 2")
	@$(BIN)/python -m tests.faults.chaos $(ARGS)

clean:  ## remove what make made: environments, caches, builds
	rm -rf $(VENV) $(MONGO_VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Credence needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; say make PYTHON=/path/to/python3.11") if sys.version_info < (3, 11) else None'
	@echo "Making the virtual environment $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): pyproject.toml | $(BIN)/python
	@echo "Installing Credence and what it needs into $(VENV) (once; about a minute) …"
	@$(PIP) --no-compile -e ".[voice,espeak]"
	@$(BIN)/python -c 'import fhirserver.app.serving, fhirserver.app.commands.serve' # compiled once, here
	@touch $@

$(DEV): pyproject.toml $(RUNTIME)
	@echo "Installing the tools for development into $(VENV) (once) …"
	@$(PIP) --upgrade 'pip>=25.1'
	@$(PIP) --no-compile --group dev
	@touch $@

$(MONGO_VENV): $(SECANTUS)

$(SECANTUS):
	@echo "Installing SecantusDB, a server on the MongoDB wire for the tests, into $(MONGO_VENV) (once) …"
	@$(PYTHON) -m venv $(MONGO_VENV)
	@$(MONGO_VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-input --pre 'SecantusDB>=0.7.0b3'
	@touch $@
