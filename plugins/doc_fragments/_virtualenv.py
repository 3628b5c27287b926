# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private to the stackstorm.st2 collection: do not use it elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """How the virtualenvs of packs are made; the options are those of _argspec.virtualenv_options."""

    DOCUMENTATION = r"""
options:
  virtualenv:
    description:
      - V(auto) gives a virtualenv to packs with Python actions, sensors or requirements, V(always) to all, and
        V(never) to none, for machines that only build images.
    type: str
    choices: [auto, always, never]
    default: auto
  virtualenv_backend:
    description:
      - What makes virtualenvs. V(auto) takes uv where the host has it and it can be told all that C(st2.conf) and
        pip's configuration say, else virtualenv, else venv. What one cannot make or install, the next one tries, which
        a warning says. RV(packs[].virtualenv_backend) names the one that did.
      - Requirements in files of the pack itself, such as C(./lib/acme), are built in a copy of it. Virtualenvs share no
        files.
    type: str
    choices: [auto, uv, virtualenv, venv]
    default: auto
  pip_args:
    description:
      - Arguments for C(pip install), after C([actionrunner] pip_opts). They can be seen in the process list.
    type: list
    elements: str
  pip_index_url:
    description:
      - Package index for requirements. Passed by the environment.
    type: str
"""
