#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_bundle_info
short_description: Verify a bundle of StackStorm packs and list its content
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Reads every byte of a bundle that M(stackstorm.st2.st2_bundle) created, and returns its content. The task fails if
    the bundle is truncated or modified, or contains anything that does not belong in a bundle.
  - Compare RV(digest) with the expected digest to find out whether it is the correct bundle.
options:
  path:
    description:
      - Path to the bundle on the host where the module runs.
    type: path
    required: true
extends_documentation_fragment:
  - stackstorm.st2._attributes
  - stackstorm.st2._attributes.info_module
requirements:
  - Python 3.8 or newer
  - PyYAML
seealso:
  - module: stackstorm.st2.st2_bundle
    description: Creates bundles.
  - module: stackstorm.st2.st2_pack
    description: Installs packs from a bundle.
"""

EXAMPLES = r"""
- name: Verify that a bundle is complete and has the expected digest
  stackstorm.st2.st2_bundle_info:
    path: /srv/fleet/packs.bundle
  delegate_to: localhost
  become: false
  register: bundle
  failed_when: bundle is failed or bundle.digest != st2_bundle_digest
"""

RETURN = r"""
msg:
  description: A summary of the bundle, in one line.
  returned: always
  type: str
  sample: "/srv/fleet/packs.bundle: 20 packs, 31 Python packages, sha256:62b7f35c9bd5"
path:
  description: Path to the bundle.
  returned: success
  type: str
  sample: /srv/fleet/packs.bundle
digest:
  description: Digest of the bundle. Bundles with the same content have the same digest.
  returned: success
  type: str
  sample: sha256:62b7f35c9bd5ad19c530fb979b0b43ef62b7f35c9bd5ad19c530fb979b0b43ef
size:
  description: Total size of all blobs in bytes.
  returned: success
  type: int
  sample: 48211004
packs:
  description: The packs in the bundle.
  returned: success
  type: list
  elements: dict
  contains:
    ref:
      description: The ref of the pack.
      returned: always
      type: str
      sample: sensu
    version:
      description: The version of the pack.
      returned: always
      type: str
      sample: 1.0.2
    commit:
      description: The commit of the pack. Null for a directory.
      returned: always
      type: str
      sample: 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12
    source:
      description: The repository, or the directory relative to the lock.
      returned: always
      type: str
      sample: https://github.com/StackStorm-Exchange/stackstorm-sensu
    content:
      description: Digest of the files of the pack.
      returned: always
      type: str
      sample: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
platforms:
  description:
    - The Python packages for each platform, with the key of the platform in the lock. C(packages) lists the packages,
      and C(without) the packs whose requirements could not be locked for the platform.
  returned: success
  type: dict
  sample:
    cp311-manylinux_2_36_x86_64:
      python: "3.11"
      packages: [requests==2.32.3, six==1.17.0]
      without: []
blobs:
  description: Number of blobs of each kind in the bundle. The kinds are V(git), V(directory), V(lfs) and V(package).
  returned: success
  type: dict
  sample: {git: 19, directory: 1, lfs: 0, package: 34}
lock:
  description: The lock that the bundle was created from, as text.
  returned: success
  type: str
  sample: "format: 1\npacks: ..."
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: bundle
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.argspec import bundle_info_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.bundle_info import describe_bundle


def main() -> None:
    """Run the module."""
    run_module(bundle_info_options(), describe_bundle)


if __name__ == "__main__":
    main()
