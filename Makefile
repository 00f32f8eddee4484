# Every target works as the first command typed on a machine that has make, Python 3.11 to 3.14 and pip:
# it makes its own virtual environment (no python3-venv needed) from requirements.lock, checked by hash.
#
#   PYTHON  the interpreter that the environment is made from       make test PYTHON=python3.12 VENV=.venv-3.12
#           (if none is named: the system's own where it will do, as distributions build theirs with optimisation and
#           one built from source often is a fifth slower; else python3 of the PATH)
#   VENV    the environment's folder
#   ARGS    more arguments for the command behind the target        make run ARGS='--port 8081'

SUITED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))
PYTHON ?= $(shell /usr/bin/python3 -I -c 'import pip; $(SUITED)' 2>/dev/null && echo /usr/bin/python3 || echo python3)
VENV ?= .venv
ARGS ?=
PYTHONS ?= python3.11 python3.12 python3.13 python3.14

PY := $(VENV)/bin/python
READY := $(VENV)/.ready

# Nothing from the caller's environment may lead an import or an installation elsewhere, or have every process of the
# tests compile all sources anew.
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV VIRTUAL_ENV
PIP := $(PYTHON) -m pip --python $(PY) --disable-pip-version-check --no-input install --quiet

.DEFAULT_GOAL := help
.PHONY: help run test check bench screenshots soak chaos fuzz test-interop test-pythons lock format clean

help: ## say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

run: $(READY) ## start the server on 127.0.0.1 with sample tenants and print commands to paste (mintmark demo)
	@$(VENV)/bin/mintmark demo $(ARGS)

test: $(READY) ## run the tests: parallel, random order, branch coverage per layer
	@rm -f coverage.json
	$(PY) -m pytest -n auto --dist worksteal --cov --cov-report=json:coverage.json --cov-report= $(ARGS)
	$(PY) -m checks.coverage_by_layer coverage.json

check: $(READY) ## lint, format, types, imports between layers, dependencies, docs
	$(PY) -m ruff check --quiet .
	$(PY) -m ruff format --check --quiet .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-cache
	$(PY) -m deptry src
	$(PY) -m checks

bench: $(READY) ## measure: tokens against the raw signing rate, the client, the verifier and the feed beside others
	@code=0; $(PY) -m benchmarks $(ARGS) || code=1; \
	for part in client verifying revocation nodes; do echo; $(PY) -m benchmarks.$$part || code=1; done; exit $$code

screenshots: $(READY) ## make the pictures of README and guide anew (needs Chromium)
	$(PY) -m tests.browser.screenshots

soak: $(READY) ## run the long forms of the tests (kill -9 under load, and the like)
	$(PY) -m pytest -m soak --timeout=3600 $(ARGS)

chaos: $(READY) ## four nodes on one PostgreSQL under load, while one thing after another is broken; prints a table
	$(PY) -m pytest -m chaos -p no:randomly --timeout=3600 $(ARGS)

fuzz: $(READY) ## a million hostile inputs to everything that reads tokens and key sets
	$(PY) -m pytest -m fuzz -n auto $(ARGS)

test-interop: $(READY) ## run other people's proxies and clients against us (as root: installs those that Debian has)
	$(PY) -m pytest -m interop -p no:randomly --timeout=600 $(ARGS)

test-pythons: ## run the tests on every Python of PYTHONS that is installed, and name those that are not
	@missing=; failed=; \
	for python in $(PYTHONS); do \
	    if $$python -c '' 2>/dev/null; then \
	        echo "== $$python"; \
	        $(MAKE) --no-print-directory test PYTHON=$$python VENV=.venv-$$python || failed="$$failed $$python"; \
	    else \
	        missing="$$missing $$python"; \
	    fi; \
	done; \
	if [ -n "$$missing" ]; then echo "not tested, because not installed:$$missing"; fi; \
	if [ -n "$$failed" ]; then echo "failed on:$$failed"; exit 1; fi

lock: $(READY) ## resolve the newest versions that pyproject.toml admits into requirements.lock
	$(PY) -m uv pip compile --quiet --upgrade --universal --all-extras --python-version 3.11 --generate-hashes \
	    --no-header --no-annotate --no-emit-index-url --output-file requirements.lock pyproject.toml

format: $(READY) ## rewrite the sources as `make check` wants them
	$(PY) -m ruff check --fix --quiet .
	$(PY) -m ruff format --quiet .

clean: ## remove what the other targets made; the data under .mintmark/ stays
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* coverage.json build dist

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c '$(SUITED)' 2>/dev/null || { \
	    echo "Mintmark needs Python 3.11 to 3.14 and '$(PYTHON)' is not one: name one, as in 'make PYTHON=python3.12'." >&2; \
	    exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { \
	    echo "'$(PYTHON)' has no pip, which sets up $(VENV): install it (Debian: apt-get install python3-pip)." >&2; \
	    exit 1; }
	@echo "setting up $(VENV) from requirements.lock (once) ..."
	@rm -f $@
	@$(PYTHON) -m venv --without-pip $(VENV)
	@# The lock names everything, so nothing is resolved: a resolver of pip's looks at newer versions of what is asked for
	@# with an extra, and stops because the lock has no hash of them.
	@$(PIP) --no-deps --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --no-index --editable .
	@touch $@
