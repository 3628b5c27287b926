# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# `make demo` shows it, `make test` proves it; both do their own set-up. `make help` names the rest.

PYTHON ?= python3
TOOLCHAIN := tests/toolchain
RUN := $(PYTHON) $(TOOLCHAIN)/run_stages.py $(if $(V),--verbose)
STAGES := lint sanity units integration e2e molecule faults hostile secrets properties docs page benchmarks

# How many hosts a fleet has, and how many rollouts are disturbed.
N ?=

.PHONY: help demo test fleet chaos release clean prepare-demo prepare-test $(STAGES)

help:
	@echo 'make demo      packs installed, upgraded, refused and removed in a scratch directory'
	@echo 'make test      all stages; V=1 shows all output as it comes'
	@$(RUN) --list | sed 's/^/make /'
	@echo 'make fleet     a rollout to N=50 hosts over SSH, against what Ansible alone takes'
	@echo 'make chaos     N=100 rollouts with a kill, a lost connection or a full disk'
	@echo 'make release   commit, tag and build what is in galaxy.yml; REPOSITORY=https://... says where the project is'
	@echo 'make clean     remove .venv and .cache'

demo: prepare-demo
	@tests/demo/run

test: prepare-test
	@$(RUN)

fleet: prepare-test prepare-demo
	@PYTHONPATH=tests .venv/bin/python -m fleet $(or $(N),50)

chaos: prepare-test prepare-demo
	@PYTHONPATH=tests .venv/bin/python -m fleet.chaos $(or $(N),100)

$(STAGES): prepare-test
	@$(RUN) $@

release: prepare-test
	@$(PYTHON) $(TOOLCHAIN)/release.py '$(REPOSITORY)'

# Costs a fraction of a second once everything is there.
prepare-demo:
	@$(PYTHON) $(TOOLCHAIN)/system_packages.py demo
	@$(PYTHON) $(TOOLCHAIN)/environments.py

prepare-test:
	@$(PYTHON) $(TOOLCHAIN)/system_packages.py test

clean:
	@$(PYTHON) $(TOOLCHAIN)/containers.py
	@$(PYTHON) $(TOOLCHAIN)/scratch.py
	rm -rf .venv .cache tests/output
