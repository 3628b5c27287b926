# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private to the stackstorm.st2 collection: do not use it elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """The host's own settings; the options are those of _argspec.host_options."""

    DOCUMENTATION = r"""
options:
  st2_conf:
    description:
      - Path to StackStorm's configuration file on the target. Paths, group, Python and index URLs are read from it, so
        a task only needs to set what differs.
      - Environment variables E(ST2_SECTION__OPTION) take precedence over the file, including those in the environment
        file of the C(st2actionrunner) service. This is also what StackStorm does, from 3.9 on.
    type: path
    default: /etc/st2/st2.conf
requirements:
  - Python 3.8 or newer
  - >-
    PyYAML, jsonschema, requests and semver, when something needs to be changed. If the Python interpreter in use lacks
    one of them and StackStorm's own virtualenv is on the host, the module continues in that virtualenv, so nothing
    needs to be installed first. This requires that ansible-core supports the Python of the virtualenv: 2.20 and later
    do not support that of StackStorm 3.8.
"""
