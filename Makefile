# Two commands matter: `make demo` and `make test`. Everything else serves them.
# pyenv builds Python without optimisation, and all takes a seventh longer: where the system has the
# same version (with venv), that is taken. `make PYTHON=…` takes any other.
VERSION := -c 'import ensurepip, sys; print(sys.version_info[:2])' 2>/dev/null
PYTHON ?= $(shell test "$$(/usr/bin/python3 $(VERSION) || echo none)" = "$$(python3 $(VERSION))" && echo /usr/bin/)python3
BIN := .venv/bin
ARGS ?=
# Hundreds of processes start in a run; where bytecode may not be kept, each would compile 400 files anew.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
# uv needs a fifth of pip's time; it is told the index that pip knows and trusts what the system trusts.
INDEX = $${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null || echo https://pypi.org/simple)}
UV = UV_SYSTEM_CERTS=1 UV_DEFAULT_INDEX="$(INDEX)" $(BIN)/uv pip install --quiet --python $(BIN)/python

.PHONY: demo test check imports below above measured kernel soak format clean

demo: .venv/demo
	@$(BIN)/caseflow demo $(ARGS)

# Two cores are kept busy: one run's workers wait for the database while another's compute.
test: .venv/test
	@rm -f .coverage .coverage.*
	@$(MAKE) --no-print-directory --jobs 3 check below above
	@$(BIN)/coverage combine --quiet
	@$(MAKE) --no-print-directory --jobs 2 measured kernel

check:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

PYTEST := $(BIN)/pytest -q -m "not soak" --cov --cov-report=

# Importing everything is measured once, and leaves its bytecode to the others.
imports:
	@COVERAGE_FILE=.coverage.imports $(PYTEST) -p no:xdist --collect-only tests/api tests/integration > .venv/imports.log || { cat .venv/imports.log; exit 1; }

# The kernel and the readers of definitions are measured here alone: tracing them again would only cost time.
# It begins where mypy leaves a core; by then most of the bytecode is there.
below: check
	COVERAGE_FILE=.coverage.below $(PYTEST) -p no:xdist tests/architecture tests/definitions tests/unit

above: imports
	CASEFLOW_IMPORTS_MEASURED=1 COVERAGE_FILE=.coverage.above COVERAGE_OMIT='caseflow/kernel/*' COVERAGE_OMIT_TOO='caseflow/catalogue/[bcdflmrwy]*' $(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder tests/api tests/integration

# The play by strangers takes half a minute; the soak plays it.
measured:
	$(BIN)/coverage report --fail-under=95 --omit='caseflow/rehearsal/scenario_call/*'

kernel:
	$(BIN)/coverage report --fail-under=100 --include='caseflow/kernel/*'

# The longer proofs; every net and every rehearsal are judged by pm4py too (550 MB, AGPL; never part
# of the product).
soak: .venv/soak
	$(BIN)/pytest -q -n 2 --dist loadfile -m soak tests

format: .venv/test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/bin/python:
	@$(PYTHON) -m venv .venv
	-@$(PIP) uv

# Where uv cannot, pip does; bytecode is made by whoever imports first.
.venv/demo: .venv/bin/python pyproject.toml requirements.lock
	@$(UV) --constraint requirements.lock --editable . 2>/dev/null || $(PIP) --constraint requirements.lock --editable .
	@touch $@

# The lock names everything, so nothing is resolved.
.venv/test: .venv/bin/python pyproject.toml requirements.lock
	@$(UV) --no-deps --requirement requirements.lock 2>/dev/null || $(PIP) --no-deps --requirement requirements.lock
	@$(UV) --no-deps --no-build-isolation --editable . 2>/dev/null || $(PIP) --no-deps --no-build-isolation --editable .
	@touch .venv/demo $@

# pip before 25.1 cannot read dependency groups itself.
.venv/soak: .venv/test
	$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups']['soak'], sep='\n')" > .venv/soak.txt
	@$(PIP) --constraint requirements.lock --requirement .venv/soak.txt
	@touch $@

clean:
	rm -rf .venv .caseflow .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
