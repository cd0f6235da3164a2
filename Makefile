# make chat [REGION=sydney] [NAME=ana] [CHANNEL=tech] [AS=ana]   the chat, on the local cloud unless you have deployed
# make deploy                                           the backend on your AWS account
# make test                                             every check and every test
.DEFAULT_GOAL := help
.PHONY: help chat deploy test soak bench lint installed collected tested check-style check-words lint-types lint-style lint-resolvers lint-cdk shape words format templates policy picture badges diagram docs keys settings hashes clean node
.DELETE_ON_ERROR:
# Else every worker of pytest compiles every changed test anew in every run.
unexport PYTHONDONTWRITEBYTECODE

# Else it is the assembler of make's built-in rules: every chat would sign as a person called "as".
AS :=
BIN := .venv/bin
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$python -c '$(NEW_ENOUGH)' 2>/dev/null; then echo $$python; break; fi; done)
# The one place that has the number: every page and message is compared with it.
OLDEST_NODE = $(shell sed -n 's/.*"node": ">=\([0-9]*\)".*/\1/p' infra/package.json)
NODE_NEW_ENOUGH = process.exit(Number(process.versions.node.split(".")[0]) < $(OLDEST_NODE) ? 1 : 0)
# A word for the shell, whatever its characters are.
quoted = '$(subst ','\'',$(1))'
# Not $(MAKE) itself: "make -n" runs lines that have it, and would write over what is found.
RUN_MAKE = $(MAKE) --no-print-directory --keep-going
# Checks of `make test`: what they print, kept apart from the dots of the tests, comes after them.
CHECK = MAKEFLAGS= $(RUN_MAKE) $(1) >.venv/$@.txt 2>&1 \
	|| { echo "make lint failed, see .venv/$@.txt; the tests continue."; exit 1; }; \
	echo "$(2): nothing found." >.venv/$@.txt
# Without compiling: that is most of pip's CPU time, and Python keeps what it compiles when it first imports a module.
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt
# On a terminal with one line that says what pip is at; what goes wrong is on standard error either way.
INSTALL = if ! [ -t 1 ]; then $(PIP_INSTALL) --quiet $(1); else { $(PIP_INSTALL) $(1) || echo failed; } | { \
	while read -r word name rest; do case "$$word $$name" in \
		Collecting*|Downloading*) printf '\r\033[K  %s: %.60s' "$$word" "$$name";; \
		'Installing collected') printf '\r\033[K  Installing';; \
		failed*) printf '\r\033[K'; exit 1;; \
	esac; done; printf '\r\033[K'; }; fi

help:
	@echo "make chat [REGION=sydney] [NAME=ana] [CHANNEL=tech] [AS=ana]   open the chat"
	@echo "make deploy      deploy the backend to your AWS account (ARGS='--diff', for example)"
	@echo "make test        set up everything, run every check and every test"
	@echo "make soak        run the fault, memory and property tests at full size (minutes)"
	@echo "make bench       run the benchmarks and write docs/performance.md (minutes; PEERS=1 installs peers)"
	@echo "make lint        only the checks"
	@echo "make lint-cdk    check the CDK app against the CDK's own types (a minute, 3 GB)"
	@echo "make shape       print how the code is cut: sizes, repeated names, the path of one message"
	@echo "make words       look for words that this project does not use"
	@echo "make format      format the code"
	@echo "make templates   synthesise the templates that the local cloud runs"
	@echo "make policy      write docs/deploy-policy.json from the templates"
	@echo "make picture     draw docs/pictures/ from the running chat"
	@echo "make badges      draw the badges of README.md from pyproject.toml"
	@echo "make diagram     draw the pictures of docs/architecture.md (needs Graphviz)"
	@echo "make docs        write docs/cli.md, docs/keys.md and docs/settings.md from what they are about"
	@echo "make keys        write docs/keys.md from the registry of actions"
	@echo "make settings    write docs/settings.md from the registry of settings"
	@echo "make hashes      write requirements/ from pyproject.toml and constraints.txt (needs uv)"
	@echo "make clean       remove what these made"

chat: .venv/base.stamp
	@exec $(BIN)/globalchat $(if $(REGION),$(call quoted,$(REGION))) \
		$(if $(CHANNEL),--channel $(call quoted,$(CHANNEL))) \
		$(if $(NAME),--name $(call quoted,$(NAME))) $(if $(AS),--as $(call quoted,$(AS)))

# Node.js first: the deployer is a large download.
deploy: node .venv/deploy.stamp
	@$(BIN)/globalchat deploy $(ARGS)

# Three at once: pip and then the tests, which wait for processes and clocks; npm; what needs one of the two.
test: node
	@rm -f .venv/check-*.txt
	@$(RUN_MAKE) -j3 check-words check-style tested; status=$$?; cat .venv/check-*.txt 2>/dev/null; exit $$status

tested: collected
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder

check-style: .venv/dev.stamp
	@$(call CHECK,lint-types lint-style,Types and style)

# While pip still installs: it uses one processor.
check-words: infra/node_modules/.stamp | $(BIN)/python
	@$(call CHECK,words lint-resolvers,Words and resolvers)

soak: .venv/dev.stamp
	$(BIN)/pytest -m "soak or hypothesis" --log-cli-level=INFO

bench: .venv/dev.stamp
	$(BIN)/python -m bench --write $(if $(PEERS),--install-peers)

lint: installed
	@$(MAKE) --no-print-directory -j3 lint-types lint-style words lint-resolvers

# Two at once: the downloads of pip and npm wait for different servers, and mypy takes as long as all other checks.
installed: node
	@$(MAKE) --no-print-directory -j2 .venv/dev.stamp infra/node_modules/.stamp

# The workers of pytest start at the same moment: each would compile every test and everything that tests import.
collected: .venv/dev.stamp
	@$(BIN)/pytest --collect-only -qq >/dev/null || true

lint-types: .venv/dev.stamp
	$(BIN)/mypy
	$(BIN)/mypy tools

lint-style: .venv/dev.stamp
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

lint-resolvers: infra/node_modules/.stamp
	npm --prefix infra run --silent lint

# The configuration without the table that leaves the CDK's types out.
lint-cdk: .venv/dev.stamp
	@awk 'BEGIN { RS = ""; ORS = "\n\n" } !/Without the CDK.s types/' pyproject.toml >.venv/lint-cdk.toml
	$(BIN)/mypy --config-file .venv/lint-cdk.toml --cache-dir .mypy_cache/cdk -p globalchat_infra -p tests.infra

shape: .venv/dev.stamp
	$(BIN)/python tools/shape.py

words: | $(BIN)/python
	$(BIN)/python tools/words.py

format: .venv/dev.stamp
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

templates: .venv/dev.stamp infra/node_modules/.stamp
	$(BIN)/python -m globalchat_infra.snapshot

policy: .venv/dev.stamp
	$(BIN)/python -m globalchat_infra.deploy_policy

badges:
	$(PYTHON) docs/badge.py

diagram: .venv/dev.stamp
	$(BIN)/python docs/diagram.py

docs: keys settings
	$(BIN)/python -m globalchat.cli.docs

keys: .venv/dev.stamp
	$(BIN)/python -m globalchat.ui.keys_doc

settings: .venv/dev.stamp
	$(BIN)/python -m globalchat.ui.settings_doc

# One file for all systems and Pythons. It names no index, as uv emits none unless asked to: pip uses its own.
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
	--constraints constraints.txt

hashes:
	@command -v uv >/dev/null || { echo "uv is needed, which finds the hashes: pipx install uv" >&2; exit 1; }
	$(LOCK) pyproject.toml --output-file requirements/chat.txt
	$(LOCK) pyproject.toml --extra deploy --output-file requirements/deploy.txt
	$(LOCK) pyproject.toml --extra web --output-file requirements/web.txt
	grep '^hatchling==' constraints.txt | $(LOCK) - --output-file requirements/build.txt

picture: .venv/dev.stamp
	$(BIN)/python -m docs.picture
	$(BIN)/python -m docs.browser_picture

clean:
	rm -rf .venv infra/node_modules cdk.out infra/cdk.out build dist
	rm -rf .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Python 3.11 or later is needed; none was found on the PATH." >&2; exit 1; fi
	@echo "Setting up .venv with $(PYTHON), once ..."
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
	@$(PIP_INSTALL) --quiet 'pip>=26' || echo "pip was not updated: the next step takes longer."

.venv/base.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the chat (100 MB, half a minute) ..."
	@$(call INSTALL,-e .)
	@touch $@

.venv/deploy.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the deployer (450 MB, a minute) ..."
	@$(call INSTALL,-e '.[deploy]')
	@touch $@ .venv/base.stamp

.venv/dev.stamp: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the deployer and the development tools (a minute or two) ..."
	@$(call INSTALL,-e '.[dev]')
	@touch $@ .venv/base.stamp .venv/deploy.stamp

node:
	@{ command -v npm && "$${JSII_NODE:-node}" -e '$(NODE_NEW_ENOUGH)'; } >/dev/null 2>&1 || { \
		echo "Node $(OLDEST_NODE) or later, with npm, is needed for the CDK and for the resolvers' linter;" \
		"$$(node --version 2>/dev/null || echo none) is on the PATH." >&2; exit 1; }

infra/node_modules/.stamp: infra/package-lock.json | node
	@echo "Installing the CDK's command line and the resolvers' linter ..."
	@npm ci --prefix infra --ignore-scripts --no-audit --no-fund --silent
	@touch $@
