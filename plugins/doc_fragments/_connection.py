# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private to the stackstorm.st2 collection: do not use it elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """What holds for every connection; the options are those of _argspec.connection_options."""

    DOCUMENTATION = r"""
options:
  ca_bundle:
    description:
      - File on the target with the certificates to trust, whatever the module connects to. By default, for indexes,
        repositories and Python packages E(proxy_ca_bundle_path) of the st2actionrunner service; for StackStorm's API
        E(ST2_CACERT), then C(cacert) in the config file of the st2 client; else the system's.
    type: path
  timeout:
    description:
      - Seconds after which the task gives up, whatever it waits for; then nothing is changed.
    type: int
    default: 600
"""
