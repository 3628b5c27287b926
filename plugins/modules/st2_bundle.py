#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_bundle
short_description: Create a bundle of all locked StackStorm packs
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Fetches everything that a lock (M(stackstorm.st2.st2_pack_lock)) lists, once, and writes it to a single file, the
    bundle. M(stackstorm.st2.st2_pack) installs from it on any number of hosts, which do not need any other connection.
  - A bundle contains the packs with the complete history of the locked commits, so that the installed packs are regular
    git working copies, and the files of Python packages for each platform in the lock.
  - Everything that is fetched is verified against the lock, which includes the commit of each tag, the digest of the
    content of each pack, and the digest of each file of a Python package.
  - Every byte of a bundle is covered by digests. M(stackstorm.st2.st2_pack) refuses a truncated or modified bundle
    before anything is written.
options:
  lockfile:
    description:
      - Path to the lock on the host where the module runs. Directories in the lock are relative to it.
    type: path
    required: true
  path:
    description:
      - The bundle to write. Its directory must exist.
      - If the file is a complete bundle that contains exactly this lock, nothing is fetched or written.
    type: path
    required: true
  pip_index_url:
    description:
      - Package index with the Python packages in the lock. Defaults to the one in pip's configuration on this host.
        Other indexes and directories in pip's configuration (C(extra-index-url), C(find-links)) are used, too.
      - Can contain a user name and password, which are only sent to that server.
    type: str
extends_documentation_fragment:
  - stackstorm.st2._repository
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
    details:
      - Fetches and verifies everything in a temporary directory.
  diff_mode:
    support: full
    details:
      - Shows the packs and the files of Python packages that are added and removed.
  idempotent:
    support: full
requirements:
  - Python 3.8 or newer
  - git
  - PyYAML, jsonschema (3.2 or newer), requests and semver (2.10 or newer)
  - git-lfs, for packs with files in Git LFS
notes:
  - Run the module on any host, usually the controller (C(delegate_to=localhost)). StackStorm is not required there. The
    required libraries are listed in C(requirements.txt) of this collection.
  - Credentials for repositories and indexes stay on the host where the module runs. A bundle contains none.
  - Two bundles of the same lock have the same RV(digest). Their bytes may differ if different versions of git wrote
    them.
  - A bundle is not encrypted. Everybody who can read it can read the packs.
seealso:
  - module: stackstorm.st2.st2_bundle_info
    description: Verifies a bundle and lists its content.
  - module: stackstorm.st2.st2_pack
    description: Installs packs from a bundle.
"""

EXAMPLES = r"""
- name: Create a bundle of all locked packs on the controller
  stackstorm.st2.st2_bundle:
    lockfile: "{{ playbook_dir }}/packs.lock.yml"
    path: "{{ playbook_dir }}/packs.bundle"
    token: "{{ acme_git_token }}"
  delegate_to: localhost
  run_once: true
  become: false

- name: Use a private index for Python packages
  stackstorm.st2.st2_bundle:
    lockfile: /srv/fleet/packs.lock.yml
    path: /srv/fleet/packs.bundle
    pip_index_url: https://pypi.example.com/simple
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
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: fetch
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.argspec import bundle_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.bundle import build_bundle


def main() -> None:
    """Run the module."""
    run_module(bundle_options(), build_bundle)


if __name__ == "__main__":
    main()
