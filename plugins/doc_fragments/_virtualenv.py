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
      - V(auto) creates a virtualenv for packs with Python actions, sensors or requirements, V(always) for every pack,
        and V(never) for none. Use V(never) on machines that only build images.
    type: str
    choices: [auto, always, never]
    default: auto
  virtualenv_backend:
    description:
      - The tool that creates virtualenvs. V(auto) uses uv if the host has it and it supports all settings of
        C(st2.conf) and the pip configuration, else virtualenv, else venv. If one tool cannot create or fill a
        virtualenv, the module warns and tries the next one. RV(packs[].virtualenv_backend) names the tool that was
        used.
      - Requirements inside the pack, such as C(./lib/acme), are built in a copy of the pack. Virtualenvs do not share
        files.
    type: str
    choices: [auto, uv, virtualenv, venv]
    default: auto
  pip_args:
    description:
      - Additional arguments for C(pip install), appended to C([actionrunner] pip_opts). They are visible in the process
        list.
    type: list
    elements: str
  pip_index_url:
    description:
      - URL of the Python package index for requirements. It is passed in the environment.
    type: str
"""
