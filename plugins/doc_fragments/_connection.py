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
      - File on the target with the CA certificates to trust for all connections of the module. By default,
        E(proxy_ca_bundle_path) of the C(st2actionrunner) service is used for indexes, repositories and Python packages,
        and E(ST2_CACERT) or else C(cacert) in the config file of the st2 client for StackStorm's API. If these are not
        set, the certificates of the system are used.
    type: path
  timeout:
    description:
      - Number of seconds after which the task fails, whatever it is waiting for. Nothing is changed then.
    type: int
    default: 600
"""
