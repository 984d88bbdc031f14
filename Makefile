# Everything one does with this project. The folder's path may have spaces in it: all paths here
# are relative.

PYTHON ?= python3
PORT ?= 8000
SECONDS ?= 600
ARGS ?=
BIN := .venv/bin
RUN := $(BIN)/python
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# A run of the tests starts dozens of processes: keep what is compiled, whatever the shell says.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo demo-reset test campaign fuzz bench-origin bench-video bench-stage bench-checkout check-hls test-browser browser check asyncapi openapi format lock clean

help: ## Show what there is
	@echo "liveshop:"
	@sed -n 's/^\([a-z.-]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) \
		| awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'

demo: .venv/installed node_modules/.package-lock.json ## Serve the site with demo data (PORT=8000)
	@exec $(RUN) manage.py demo --with-parent --port "$(PORT)" $(ARGS)

demo-reset: .venv/installed node_modules/.package-lock.json ## The same, but forget the old data first
	@exec $(RUN) manage.py demo --with-parent --port "$(PORT)" --reset $(ARGS)

test: .venv/installed node_modules/.package-lock.json ## Run all tests (ARGS="-k cart" for some)
	@$(RUN) -m pytest -n 3 $(ARGS)

campaign: .venv/installed node_modules/.package-lock.json ## Run the long tests: minutes of stream, a sped-up soak, many examples
	@$(RUN) -m pytest -m "campaign or properties" --hypothesis-profile campaign -p no:randomly $(ARGS)

fuzz: .venv/fuzz-installed ## Send the RTMP parser and the MP4 cutter nonsense (SECONDS=600)
	@$(RUN) -m tests.fuzz.campaign "$(SECONDS)"

bench-video: .venv/installed node_modules/.package-lock.json ## Read a viewer's lag from the picture (needs Chromium)
	@$(RUN) -m benchmarks.video $(ARGS)

bench-origin: .venv/installed ## Have 500 viewers watch one origin (ARGS="--viewers 200")
	@$(RUN) -m benchmarks.origin $(ARGS)

# Each of these may be given: make bench-stage SERVER=daphne VIEWERS=1000. SECONDS has a default of
# its own above, and some shells have one, too.
STAGE_OPTIONS = SCENARIO VIEWERS RATE SECONDS SERVER PROCESSES FAST CHAT DEFLATE PEERS ROUNDS
stage_arguments = $(foreach name,$(STAGE_OPTIONS),$(if $(filter command,$(firstword \
	$(origin $(name)))),--$(shell echo $(name) | tr A-Z a-z) $($(name))))

bench-stage: .venv/installed ## Bring 500 events a second to 2,000 viewers (SERVER=daphne PEERS=1 …)
	@$(RUN) -m benchmarks.stage $(stage_arguments) $(ARGS)

CHECKOUT_OPTIONS = PARTS IN_FLIGHT SECONDS ORDERS THREADS BUYERS SEATS WAY
checkout_arguments = $(foreach name,$(CHECKOUT_OPTIONS),$(if $(filter command,$(firstword \
	$(origin $(name)))),--$(shell echo $(name) | tr A-Z_ a-z-) $($(name))))

bench-checkout: .venv/installed ## Reserve, order and pay for one hot SKU (PARTS=http WAY=api …)
	@$(RUN) -m benchmarks.checkout $(checkout_arguments) $(ARGS)

check-hls: .venv/installed ## Check five minutes of a real stream's playlists (ARGS="--seconds 60")
	@$(RUN) -m benchmarks.check_hls $(ARGS)

test-browser: .venv/installed node_modules/.package-lock.json browser ## Get a browser and run its tests
	@LIVESHOP_BROWSER=required $(RUN) -m pytest tests/browser $(ARGS)

browser: ## Get a browser for the tests, or say how to get one
	@scripts/get-browser

check: .venv/installed node_modules/.package-lock.json ## Run the linters, the types and the other checks
	@echo "ruff" && $(RUN) -m ruff check --quiet . && $(RUN) -m ruff format --quiet --check .
	@echo "mypy" && $(RUN) -m mypy --no-error-summary
	@echo "import-linter" && $(BIN)/lint-imports
	@echo "djade" && find templates liveshop shops creators -name '*.html' \
		-exec $(BIN)/djade --check --target-version 5.2 {} +
	@echo "migrations" && $(RUN) manage.py makemigrations --check --dry-run --verbosity 1
	@echo "django" && $(RUN) manage.py check --fail-level WARNING
	@echo "asyncapi" && $(RUN) manage.py asyncapi --check
	@echo "openapi" && $(RUN) manage.py openapi --check
	@echo "javascript" && find liveshop shops creators tests -name '*.test.js' -exec \
		scripts/with-node node --test {} +

asyncapi: .venv/installed ## Write docs/asyncapi.yaml anew from the stage's messages
	@$(RUN) manage.py asyncapi

openapi: .venv/installed ## Write docs/openapi.yaml anew from the API's views
	@$(RUN) manage.py openapi

format: .venv/installed ## Let the formatters have their way
	@$(RUN) -m ruff check --fix --quiet . ; $(RUN) -m ruff format .
	@find templates liveshop shops creators -name '*.html' \
		-exec $(BIN)/djade --target-version 5.2 {} +

lock: ## Write both lock files anew (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv (pip install uv)."; exit 1; }
	uv lock
	uv export --frozen --no-annotate --no-header --format requirements-txt --all-groups \
		--no-group fuzz --no-emit-project --quiet --output-file requirements.lock
	uv export --frozen --no-annotate --no-header --format requirements-txt --only-group fuzz \
		--no-emit-project --quiet --output-file requirements-fuzz.lock
	scripts/with-node npm install --omit-lockfile-registry-resolved --package-lock-only \
		--ignore-scripts --no-audit --no-fund --loglevel error

clean: ## Remove what was installed and the demo's data
	rm -rf .venv node_modules .liveshop .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

.venv: .venv/installed

.venv/installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "liveshop needs Python 3.11 or later; set PYTHON=/path/to/python3."; exit 1; }
	@test -x .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1 || { \
		echo "Making .venv …"; rm -rf .venv; $(PYTHON) -m venv .venv || { \
		echo "Python's venv is missing: on Debian, apt-get install python3-venv."; exit 1; }; }
	@echo "Installing the Python packages (a minute or two, once) …"
	@$(RUN) -m pip install --quiet --require-hashes --only-binary :all: -r requirements.lock
	@touch $@

.venv/fuzz-installed: requirements-fuzz.lock .venv/installed
	@$(RUN) -c 'import sys; sys.exit(sys.version_info >= (3, 14))' || { \
		echo "There is no fuzzer (atheris) for this Python; 3.11 to 3.13 have one."; exit 1; }
	@$(RUN) -m pip install --quiet --require-hashes --only-binary :all: -r requirements-fuzz.lock
	@touch $@

node_modules/.package-lock.json: package-lock.json package.json | .venv/installed
	@echo "Installing the browser packages …"
	@scripts/with-node npm ci --ignore-scripts --no-audit --no-fund --loglevel error --silent
	@touch $@
