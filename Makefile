# `make help` lists the targets. They call the command line: .venv/bin/mmeval --help

PYTHON ?= python3
TASK ?= mme
MODEL ?= mmicl-tiny
DATA ?= embedded
FRESH ?=
CONTROL ?=
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
INSTALL := setup.cfg pyproject.toml constraints.txt

# a module is compiled once, not by each of the processes that tests and measurements start
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install eval bias score demo report test test-fast test-newest lint bench bench-run bench-score bench-coverage bench-gpu bench-peer bench-train bench-train-gpu bench-train-memory bench-gpu-threads torture mutants fuzz families train-tiny replicate tiny-all verify-real clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

install: .venv/installed  ## create .venv with everything evaluation needs

.venv/installed: $(INSTALL)
	@echo "installing into .venv, once (a minute or more)"
	@$(PYTHON) -m venv .venv
	@$(PIP) install -c constraints.txt -e '.[hf,video]'
	@touch $@

.venv/installed-dev: .venv/installed
	@$(PIP) install -c constraints.txt -e '.[hf,train,video,dev]'
	@touch $@

.venv/installed-train: .venv/installed
	@$(PIP) install -c constraints.txt -e '.[hf,train,video]'
	@touch $@

eval: .venv/installed  ## evaluate: TASK=mme MODEL=mmicl-tiny DATA=embedded CONTROL=standard FRESH=1 ARGS='--limit 100'
	@$(BIN)/mmeval run --task '$(TASK)' --model '$(MODEL)' --data '$(DATA)' $(if $(FRESH),--fresh) $(if $(CONTROL),--control '$(CONTROL)') $(ARGS)

bias: .venv/installed  ## test whether the model looks at the picture: TASK=mme MODEL=mmicl-tiny CONTROL=standard
	@$(BIN)/mmeval run --task '$(TASK)' --model '$(MODEL)' --data '$(DATA)' $(if $(FRESH),--fresh) --control '$(or $(CONTROL),standard)' --bias $(ARGS)

# gradio wants an older Pillow, so the demo has an environment of its own
.venv-demo/installed: $(INSTALL)
	@echo "installing into .venv-demo, once (a minute or more)"
	@$(PYTHON) -m venv .venv-demo
	@grep -v '^pillow==' constraints.txt > .venv-demo/constraints.txt
	@.venv-demo/bin/python -m pip --quiet --disable-pip-version-check install -c .venv-demo/constraints.txt -e '.[hf,video,demo]'
	@touch $@

demo: .venv-demo/installed  ## talk with a model in a browser: MODEL=mmicl-tiny ARGS='--model blip2-tiny'
	@.venv-demo/bin/mmeval demo --model '$(MODEL)' $(ARGS)

report: .venv/installed  ## draw the published MME comparison of 2023-09-17
	@$(BIN)/mmeval report --published 2023-09-17 $(ARGS)

# three workers on two cores: tests of processes and servers wait for a quarter of their time
test: .venv/installed-dev  ## run the tests, offline
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

test-fast: .venv/installed-dev  ## run the fast tests, without parity
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist worksteal -m 'not slow and not parity' $(ARGS)

.venv-newest/installed: $(INSTALL)
	@echo "installing the newest packages into .venv-newest, once (minutes, several gigabytes)"
	@$(PYTHON) -m venv .venv-newest
	@.venv-newest/bin/python -m pip --quiet --disable-pip-version-check install -e '.[hf,train,video,dev]'
	@touch $@

test-newest: .venv-newest/installed  ## run the tests with the newest packages, not those of constraints.txt
	@OMP_NUM_THREADS=1 .venv-newest/bin/python -m pytest -n 3 --dist worksteal $(ARGS)

lint: .venv/installed-dev  ## ruff and mypy --strict
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: .venv/installed  ## measure: batched against one by one, on the embedded MME
	@$(BIN)/python -m benchmarks.batching

bench-run: .venv/installed  ## measure: a whole `mmeval run` of 80, 1,000 and 5,000 questions: CPU seconds and memory
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.whole_run $(ARGS)

bench-score: .venv/installed  ## measure: scoring 24,588 rows of MMBench
	@$(BIN)/python -m benchmarks.scoring

bench-coverage: .venv/installed  ## measure: how often 95% intervals hold the truth; RESULTS=a folder of MME results
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.coverage $(RESULTS)

torture: .venv/installed-dev  ## kill runs, builds and trainings at chosen instants and fill the disk; no answer may be lost
	@MMEVAL_KILLS=1000 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/torture -k 'not fault' --durations=0

fuzz: .venv/installed-dev  ## damage inputs of every kind for 20 minutes; each must end in a one-sentence error
	@MMEVAL_FUZZ_SECONDS=2400 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 tests/fuzz -rP $(ARGS)

families: .venv/installed-dev  ## try chat models of all tested families, also those that need torchvision or timm where it is installed
	@MMEVAL_FAMILIES=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/models/test_newer_families.py \
		tests/models/test_chat.py::test_every_family_keeps_the_contract -v $(ARGS)

mutants: .venv/installed-dev  ## plant faults in the code that stores answers; each must be caught
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/torture -k fault -v

bench-gpu: .venv/installed  ## measure: answering at Flan-T5-XL's size on a GPU; SIZE=small anywhere
	@$(BIN)/python -m benchmarks.gpu --size '$(or $(SIZE),xl)' $(ARGS)

# lmms-eval and mmeval want different packages; its torchvision does not go with a CPU build of torch, and 0.7.3 imports
# what later filelocks do not have
.venv-peer/installed: $(INSTALL)
	@echo "installing lmms-eval into .venv-peer, once (minutes, 2.4 GB)"
	@$(PYTHON) -m venv .venv-peer
	@.venv-peer/bin/python -m pip --quiet --disable-pip-version-check install \
	  $$(grep -E '^(torch|transformers|datasets|numpy|pandas|pillow)==' constraints.txt) lmms-eval==0.7.3 'filelock<4'
	@.venv-peer/bin/python -m pip --quiet --disable-pip-version-check uninstall --yes torchvision
	@touch $@

bench-peer: .venv/installed .venv-peer/installed  ## measure: the same run with lmms-eval; ARGS='--questions 80,1000'
	@OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.peer --peer .venv-peer/bin/python $(ARGS)

bench-train: .venv/installed-train  ## measure: stage II against the original implementation; SIZE=xl on a GPU
	@$(BIN)/python -m benchmarks.training --size '$(or $(SIZE),small)' $(ARGS)

bench-train-gpu: .venv/installed-train  ## measure on a GPU, in 9 minutes: compilation and recomputation at 16k and 32k tokens
	@$(BIN)/python -m benchmarks.training --size xl --tokens 16384,32768 --how plain,selective,compile,selective+compile --seconds 480

bench-gpu-threads: .venv/installed  ## measure on a GPU: answering with 4, 8 and 16 picture-decoding threads
	@$(BIN)/python -m benchmarks.gpu --size xl --rows threads --threads 4,8,16

bench-train-memory: .venv/installed-train  ## measure on a GPU: memory of Flan-T5-XXL's and Vicuna-7B's sizes in training
	@$(BIN)/python -m benchmarks.training --size xxl --how selective --ways ours
	@$(BIN)/python -m benchmarks.training --size vicuna-7b --how selective --ways ours

train-tiny: .venv/installed-train  ## train the tiny family, on a GPU or a CPU, resumable (progress in work/)
	@$(BIN)/python -m experiments.tiny draw words learn pack export $(ARGS)

replicate: .venv/installed  ## test the article's claims on the tiny family: reports/replication/
	@$(BIN)/python -m experiments.replication $(ARGS)

tiny-all: train-tiny  ## retrain the tiny family, evaluate it, and rewrite every report that depends on it
	@$(MAKE) eval TASK=mme FRESH=1 ARGS=
	@$(MAKE) replicate ARGS=

verify-real: .venv/installed  ## run full MME on published weights and compare with the published values: MODEL=mmicl-flan-t5-xl
	@$(BIN)/python -m experiments.verify '$(MODEL)'

clean:  ## delete .venv and caches; keep runs and weights
	rm -rf .venv .venv-demo .venv-peer .pytest_cache .mypy_cache .ruff_cache
