# The verbs of this project. Everything that they make is in .cache/.
PYTHON ?= python3
RUN = .cache/venv/bin/python -B

.PHONY: help demo test quick lint sanity unit contract integration oldest-core docs build bench coverage kills clean
.DEFAULT_GOAL := help

help: ## Show this list
	@sed -n 's/^\([a-z -]*\):.*## /\1\t/p' Makefile | expand -t 60

demo: ## Show the main job on the emulator
	@$(PYTHON) tests/tools/environment.py run && $(RUN) tests/tools/demo.py

test: ## Run everything that CI runs
	@$(PYTHON) tests/tools/environment.py test && $(RUN) tests/tools/check.py

quick: ## Check in a minute what the latest change can touch
	@$(PYTHON) tests/tools/environment.py test && $(RUN) tests/tools/quick.py

lint: ## Run ruff, mypy, yamllint and ansible-lint
	@$(PYTHON) tests/tools/environment.py test && $(RUN) tests/tools/check.py ruff mypy yamllint ansible-lint

unit contract integration oldest-core sanity docs build: ## Run one part of the tests
	@$(PYTHON) tests/tools/environment.py test && $(RUN) tests/tools/check.py $@

coverage: ## Run the unit tests, and report which lines and branches of plugins/ they run
	@$(PYTHON) tests/tools/environment.py test && $(RUN) tests/tools/check.py coverage

kills: ## Kill a controller, the process that holds its sessions, or a node, 200 times
	@$(PYTHON) tests/tools/environment.py test && $(RUN) tests/tools/check.py kills

bench: ## Run the benchmarks
	@$(PYTHON) tests/tools/environment.py run && $(RUN) tests/bench/run.py

clean: ## Remove .cache, where everything is made
	rm -rf .cache
