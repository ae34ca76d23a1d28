# Two commands do everything on a bare Debian 12: `make demo` runs Winux with real desktops, and
# `make test` proves it. Settings: docs/admin/settings.md.

python := $(or $(WINUX_PYTHON),/usr/bin/python3)
venv := .venv/bin
# One more than cores: tests wait for a quarter of their time.
testers := $(shell expr $$(nproc) + 1)

.DEFAULT_GOAL := help
.PHONY: help demo install test testview testwhole check quick fix bench scale soak chaos attack fuzz clean python prepare-test prepare-check

help: ## This list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' Makefile | expand -t 10

demo: python ## Run everything with real desktops: lab node, worker, web; Ctrl-C stops it
	@$(python) -u -m setup.demo

install: python ## What a server needs to run the portal with a Proxmox VE; no demo, no tests
	@$(python) -u -m setup.install

test: prepare-test check ## All checks and tests, real containers and browser too (SKIP_LAB=1 without containers)
	@$(venv)/python -u -m setup.test_run

testview: prepare-test ## The long tests of the desktop in the browser: picture, keyboards, clipboard, reconnecting
	@$(venv)/pytest -m view

testwhole: prepare-test ## All cases of the tests of which `make test` runs a sample
	@$(venv)/pytest -n $(testers) --dist worksteal --whole -m "sampled and not lab"
	@$(venv)/pytest -n 2 --dist loadscope --whole -m "sampled and lab"

check: prepare-check ## Format, lint, types, import rules, playbooks, templates, scripts
	@setup/check.sh

quick: prepare-check ## What to run while writing, in less than a minute: code checks, tests of the rules and the domain
	@setup/check.sh quick
	@$(venv)/pytest -q -n $(testers) -m "not lab" tests/domain tests/rules

fix: prepare-check ## Let the tools mend what they can
	@$(venv)/ruff check --fix --quiet . || true
	@$(venv)/ruff format .
	@$(venv)/djlint --reformat --quiet templates || true

bench: prepare-test ## Launch times and page speed on real parts (BENCH_OPTIONS=--short)
	@$(venv)/python -m bench.launch $(BENCH_OPTIONS)
	@$(venv)/python -m bench.warm $(BENCH_OPTIONS)
	@$(venv)/python -m bench.pages $(BENCH_OPTIONS)
	@$(venv)/python -m bench.api $(BENCH_OPTIONS)
	@$(venv)/python -m bench.gateway $(BENCH_OPTIONS)
	@$(venv)/python -m bench.browser $(BENCH_OPTIONS)
	@$(venv)/python -m bench.scale --short $(BENCH_OPTIONS)

scale: prepare-test ## How Winux grows: 100, 1,000 and 5,000 desktops on imagined containers (SCALE_OPTIONS)
	@$(venv)/python -m bench.scale $(SCALE_OPTIONS)

chaos: prepare-test ## Kill everything at every step and at random; nothing may leak (CHAOS_OPTIONS)
	@$(venv)/python -m tests.chaos $(CHAOS_OPTIONS)

attack: prepare-test ## Attack a running stack in every known way; a table says what was seen (ATTACK_OPTIONS)
	@$(venv)/python -m tests.attack $(ATTACK_OPTIONS)

fuzz: prepare-test ## New and many more examples for the API's contract, the parsers and the domain
	@$(venv)/pytest -n $(testers) --hypothesis-profile roaming --timeout 0 \
		tests/domain tests/adapters/test_redaction.py tests/api/test_contract.py \
		tests/gateway/rdp/test_picture.py tests/gateway/rdp/test_hostile.py
	@mkdir -p var/fuzz && $(venv)/python -m tests.gateway.rdp.fuzz_rdp var/fuzz tests/gateway/rdp/corpus -max_total_time=600

soak: prepare-test ## A busy desktop in the browser for 22 minutes, its picture compared (SOAK_OPTIONS)
	@$(venv)/python -m bench.soak $(SOAK_OPTIONS)

clean: python ## Remove everything of ours: containers, mounts, bridges, nft tables, var/
	@$(python) -u -m setup.clean

python:
	@setup/python.sh

prepare-test: python
	@$(python) -u -m setup.prepare test

prepare-check: python
	@$(python) -u -m setup.prepare check
