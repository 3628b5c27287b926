#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_bundle_info
short_description: Check a bundle of StackStorm packs and list what is in it
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Reads every byte of a bundle that M(stackstorm.st2.st2_bundle) made, and says what is in it. The task fails when the
    bundle was cut off or changed, or holds anything that has no place in one.
  - Whether it is the bundle that was meant is told by RV(digest).
options:
  path:
    description:
      - The bundle, on the host where the module runs.
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
    description: Makes bundles.
  - module: stackstorm.st2.st2_pack
    description: Installs packs from a bundle.
"""

EXAMPLES = r"""
- name: See that a bundle arrived whole, and is the one that was meant
  stackstorm.st2.st2_bundle_info:
    path: /srv/fleet/packs.bundle
  delegate_to: localhost
  become: false
  register: bundle
  failed_when: bundle is failed or bundle.digest != st2_bundle_digest
"""

RETURN = r"""
msg:
  description: What the bundle is, in one line.
  returned: always
  type: str
  sample: "/srv/fleet/packs.bundle: 20 packs, 31 Python packages, sha256:62b7f35c9bd5"
path:
  description: The file.
  returned: success
  type: str
  sample: /srv/fleet/packs.bundle
digest:
  description: What the bundle is known by. Bundles with the same content have the same.
  returned: success
  type: str
  sample: sha256:62b7f35c9bd5ad19c530fb979b0b43ef62b7f35c9bd5ad19c530fb979b0b43ef
size:
  description: Bytes of all blobs.
  returned: success
  type: int
  sample: 48211004
packs:
  description: The packs in it.
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
      description: Its version.
      returned: always
      type: str
      sample: 1.0.2
    commit:
      description: Its commit. Null for a directory.
      returned: always
      type: str
      sample: 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12
    source:
      description: The repository, or the directory relative to the lock.
      returned: always
      type: str
      sample: https://github.com/StackStorm-Exchange/stackstorm-sensu
    content:
      description: The digest of its files.
      returned: always
      type: str
      sample: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
platforms:
  description:
    - What there is for each platform of the lock, by its key. C(packages) are Python packages, and C(without) the packs
      whose requirements could not be locked for it.
  returned: success
  type: dict
  sample:
    cp311-manylinux_2_36_x86_64:
      python: "3.11"
      packages: [requests==2.32.3, six==1.17.0]
      without: []
blobs:
  description: How many blobs the bundle has of each kind, which are V(git), V(directory), V(lfs) and V(package).
  returned: success
  type: dict
  sample: {git: 19, directory: 1, lfs: 0, package: 34}
lock:
  description: The lock that it was made of, as text.
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
