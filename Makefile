# Everything is one word: bare `make` lists them.

PYTHON ?= python3
PY := .venv/bin/python
INSTALLED := .venv/.installed
UV := .cache/uv/bin/uv

.DEFAULT_GOAL := help
.PHONY: help run demo test check unit bench faults fuzz packages lock openapi translations plugin-translations plugin-zip clean

help: ## Show this list
	@echo "Postreeve: the sending relay for WordPress"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Begin with: make run"

run: $(INSTALLED) ## Try everything on this machine (WORDPRESS=1 adds a real WordPress)
	@$(PY) -m relay run $(if $(WORDPRESS),--wordpress)

demo: $(INSTALLED) ## Send one mail of each kind and check what becomes of it
	@$(PY) -m relay demo

test: $(INSTALLED) ## Run all tests, with PostgreSQL, WordPress and a browser (ONLY=unit: one step)
	@$(PY) tools/test.py $(ONLY)

check: $(INSTALLED) ## Style, types, import contracts, API document
	@$(PY) tools/check.py

unit: $(INSTALLED) ## The quick tests only
	@$(PY) tools/test.py unit

bench: $(INSTALLED) ## Measure against baselines in the same run (ARGS=--quick for a first look)
	@$(PY) -m bench $(ARGS)

faults: $(INSTALLED) ## Kill every part 20 times under load and reconcile the ledgers
	@$(PY) -m bench.faults $(ARGS)

fuzz: $(INSTALLED) ## Ask the API 10,000 questions, ever new ones, and explore interleavings (minutes)
	@HYPOTHESIS_PROFILE=deep FUZZ_CASES=$(or $(FUZZ_CASES),10000) $(PY) -m pytest -o faulthandler_timeout=0 \
		tests/api/test_openapi_fuzz.py tests/api/test_hostile_requests.py tests/gateways tests/states

packages: $(INSTALLED) ## Install the Debian packages that tests and WordPress need
	@$(PY) tools/packages.py

openapi: $(INSTALLED) ## Write docs/openapi.json from the code
	@$(PY) -m relay openapi --write docs/openapi.json

translations: $(INSTALLED) ## Collect what is said to people; bring the languages up to date
	@$(PY) tools/translations.py

plugin-translations: $(INSTALLED) ## The same for the WordPress plugin
	@$(PY) tools/plugin_translations.py

plugin-zip: $(INSTALLED) ## Pack the WordPress plugin for installing it (var/postreeve-….zip)
	@$(PY) tools/plugin_zip.py

lock: $(UV) ## Pin the newest allowed versions in requirements*.txt
	@tools/lock.sh $(UV)

clean: ## Remove what can be made again; var/ with its data stays
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements-dev.txt tools/venv.py
	@$(PYTHON) tools/venv.py

$(UV):
	@$(PYTHON) -m venv .cache/uv
	@.cache/uv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
