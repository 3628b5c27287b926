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
      - StackStorm's configuration on the target. Paths, group, Python and index URLs are read from it, so that a task
        states only what differs.
      - The environment variables E(ST2_SECTION__OPTION) win over the file, as they do for StackStorm, also when they
        stand in the environment file of the st2actionrunner service.
    type: path
    default: /etc/st2/st2.conf
requirements:
  - Python 3.8 or newer
  - >-
    PyYAML, jsonschema, requests and semver, when there is something to do. Where the running Python lacks one and
    StackStorm's own virtualenv is on the host, the module goes on in that, so nothing needs to be installed first.
"""
