# make run       sets up .venv and stages the bundled poisoning campaign
# make test      runs the tests, in a few minutes
# make test-all  runs the rest: what takes long, or needs Docker, a browser or the real data
# make check     formatting, lint, types and the tests
# make image     builds the container image of the jobs (needs Docker), with its bill of materials in build/
# make bench     lists what can be measured; NAME=pattern measures that
# make lock      resolves the requirements anew, the laptop's and the container's

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
CONFIG ?= default
ACCELERATOR ?= cpu
# The image to build on, and options of `docker build`, such as --network=host.
BASE ?=
DOCKER_OPTIONS ?=
# Wheels only, each by its hashes, for every system and Python that we run on.
UV := 0.13.9
LOCK ?=
NAME ?=
COMPILE := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
  --generate-hashes --only-binary :all: --emit-build-options

.PHONY: run test test-all lint check image bench lock clean

# Make says no more than `Error 1` and ends with 2 itself, so what the exit code means is said.
run: $(READY)
	@$(PY) -m pipelines run --config $(CONFIG) || { code=$$?; \
	  $(PY) -c "from boomerang.errors import say_exit; print('make run: ' + say_exit($$code))" >&2; exit $$code; }

test: $(READY)
	@$(PY) -m pytest -n auto --dist worksteal

# What starts containers goes to one process, see tests/conftest.py.
test-all: $(READY)
	@$(PY) -m pytest -n auto --dist loadscope -m whole

lint: $(READY)
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy

check: lint test

image: $(READY)
	@$(PY) -m pipelines image --accelerator $(ACCELERATOR) --sbom build/image-$(ACCELERATOR).cdx.json $(if $(BASE),--base $(BASE)) \
	  $(foreach option,$(DOCKER_OPTIONS),--docker=$(option))

# A name on PATH is no proof (a version manager's shim may only print an error): each is tried.
$(READY): requirements.txt
	@set -e; \
	for candidate in $(PYTHON) python3.12 python3.11 python3 python; do \
	  if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; \
	  then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "error: Boomerang needs Python 3.11 or 3.12, and none was found."; \
	  echo "  Install one, or name it: make run PYTHON=/path/to/python3.12"; exit 2; \
	fi; \
	echo "setting up $(VENV) with $$found (some minutes, once)"; \
	$$found -m venv --clear $(VENV); \
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
	  -r requirements.txt; \
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	touch $@

bench: $(READY)
	@$(PY) -m bench $(NAME)

# What is locked stays as it is; a newer version comes in with LOCK='--upgrade-package NAME', or --upgrade.
lock: $(READY)
	@$(PY) -m pip install --quiet --only-binary :all: uv==$(UV)
	@$(COMPILE) $(LOCK) pyproject.toml -o requirements.txt
	@for kind in cpu gpu beside; do \
	  $(COMPILE) -c requirements.txt aws/image/container/requirements-$$kind.in \
	    -o aws/image/container/requirements-$$kind.txt; \
	done

clean:
	rm -rf $(VENV) runs
