# The template's commands; `make help` lists them.
PYTHON ?= python3
PROJECT := {{cookiecutter.project_slug}}
PIN := $(PROJECT)/constraints.txt
TORCH := $(shell grep '^torch==' '$(PIN)')
COOKIECUTTER := cookiecutter==2.7.1 cruft==2.16.0
SCHEMATHESIS := schemathesis==4.32.5
PIP := .venv/bin/python -m pip --quiet --disable-pip-version-check install
# A file's tests share what they trained, so that a file stays with one process; the template's own share nothing.
PYTEST := python -m pytest -q --numprocesses 2 --durations 12
SLUG := clinical-risk-model
COHORTS := support2 heart_disease synthetic
CACHE := $(CURDIR)/.cache
SHELL := bash
.SHELLFLAGS := -o pipefail -c

# One environment serves every baked project; caches stay out of the tree that is baked from.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHONPYCACHEPREFIX := $(CACHE)/python
export PYTHONDONTWRITEBYTECODE :=
export RUFF_CACHE_DIR := $(CACHE)/ruff
export MYPY_CACHE_DIR := $(CACHE)/mypy
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
export COOKIECUTTER_CONFIG := $(CACHE)/cookiecutter.yaml
export NUMBA_CACHE_DIR := $(CACHE)/numba
export MLFLOW_DISABLE_TELEMETRY := true
export OMP_NUM_THREADS ?= 1

CODE := hooks tests benchmarks evidence take_home

.PHONY: help demo test test-all lint format bench evidence take-home grade clean

help:  ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: .venv/ready  ## three cohorts trained, evaluated and registered in demo/, with one index page
	rm -rf demo && mkdir -p '$(CACHE)'
	printf 'replay_dir: "%s"\ncookiecutters_dir: "%s"\n' '$(CACHE)/replay' '$(CACHE)/templates' > '$(COOKIECUTTER_CONFIG)'
	cookiecutter --no-input --output-dir demo .
	$(PIP) --no-deps --editable demo/$(SLUG)
	cd demo/$(SLUG) && for cohort in $(COHORTS); do $(SLUG) run data=$$cohort | tee ../$$cohort.log || exit; done
	@for cohort in $(COHORTS); do printf '\n== %s\n' $$cohort; sed -n '/^ *part  /,/^champion/p' demo/$$cohort.log; done
	@printf '\nThree reports: %s\n' '$(CURDIR)/demo/$(SLUG)/runs/index.html'

test: lint  ## lint, types, and the fast tests of the template, the project and a baked one
test-all: lint  ## the slow tests: faults, a project of each modality, mutants, samples of the evidence
test: TIER := not slow
test-all: TIER := slow
test test-all:
	@status=0; (cd '$(PROJECT)' && $(PYTEST) --dist loadfile -m '$(TIER)') || status=1; $(PYTEST) --dist worksteal -m '$(TIER)' || status=1; exit $$status

lint: .venv/ready  ## ruff and mypy of the template and of the project
	ruff check $(CODE) && ruff format --check $(CODE)
	mypy $(CODE)
	cd '$(PROJECT)' && ruff check . && ruff format --check . && mypy src tests

format: .venv/ready  ## ruff format, and the fixes that are safe
	ruff check --fix $(CODE) && ruff format $(CODE)
	cd '$(PROJECT)' && ruff check --fix . && ruff format .

evidence: export PYTHONPATH := $(CURDIR)/$(PROJECT)/src
evidence: .venv/ready  ## the long studies, by hand: all, or make evidence STUDY=coverage
	python -m evidence.run $(or $(STUDY),--all)

bench: export PYTHONPATH := $(CURDIR)/$(PROJECT)/src
bench: .venv/ready  ## speed as ratios against named alternatives
	python benchmarks/training_loop.py
	python benchmarks/bootstrap.py
	python benchmarks/evaluation.py
	python benchmarks/explanations.py
	python benchmarks/scoring.py
	python benchmarks/large_table.py
	python benchmarks/signals.py
	python benchmarks/device.py
	rm -rf '$(CACHE)/package' && python benchmarks/packages.py '$(CACHE)/package'
	python benchmarks/serving.py --package '$(CACHE)/package'
	python benchmarks/overload.py --package '$(CACHE)/package'
	python benchmarks/loop_turns.py
	python benchmarks/event_requests.py

take-home grade: export PYTHONPATH := $(CURDIR)/$(PROJECT)/src
take-home: .venv/ready  ## for an interviewer: make take-home CANDIDATE=ada leaves candidates/ada/project.zip
	@python -m take_home.make '$(CANDIDATE)'

grade: .venv/ready  ## the same, back: make grade SUBMISSION=submission.zip CANDIDATE=ada
	@python -m take_home.grading '$(SUBMISSION)' '$(CANDIDATE)' '$(SEED)'

clean:  ## removes .venv, .cache and demo
	rm -rf .venv .cache demo

# torch first and exactly, so that pip never weighs another build of it against the rest.
.venv/ready: $(PROJECT)/pyproject.toml $(PIN) Makefile
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make demo PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(PIP) $(TORCH)
	$(PYTHON) -c "$$REQUIREMENTS" > .venv/requirements.txt
	$(PIP) --constraint '$(PIN)' --requirement .venv/requirements.txt $(COOKIECUTTER) $(SCHEMATHESIS) pyyaml 'setuptools>=77'
	touch $@

# The project's pyproject.toml is valid TOML before it is rendered, so that its requirements stand in one place.
define REQUIREMENTS
import tomllib
with open("$(PROJECT)/pyproject.toml", "rb") as file:
    project = tomllib.load(file)["project"]
extras = [packages for name, packages in project["optional-dependencies"].items() if name != "imaging-timm"]
print(*project["dependencies"], *sum(extras, []), sep="\n")
endef
export REQUIREMENTS
