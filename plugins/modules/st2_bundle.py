#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_bundle
short_description: Put all that a lock of StackStorm packs names into one file
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Fetches what a lock (M(stackstorm.st2.st2_pack_lock)) names, once, and writes it into one file, the bundle.
    M(stackstorm.st2.st2_pack) installs from it on any number of hosts, which need no connection to anything else then.
  - A bundle holds the packs with the whole history of what was locked, so that working copies are ordinary ones, and
    the files of Python packages for each platform of the lock.
  - What is fetched is proven to be what was locked, which is the commit of each tag, the digest of the content of each
    pack, and the digest of each file of a Python package.
  - Every byte of a bundle is covered by digests. One that was cut off or changed is refused by
    M(stackstorm.st2.st2_pack), before anything is written.
options:
  lockfile:
    description:
      - The lock, on the host where the module runs. Directories that it names are taken relative to it.
    type: path
    required: true
  path:
    description:
      - The file to write. The directory in which it lies has to be there.
      - While it holds the lock to the letter, and is whole, nothing is fetched and nothing written.
    type: path
    required: true
  pip_index_url:
    description:
      - Package index with the Python packages of the lock, by default the one that pip is configured for on this host.
        Further indexes and directories of pip's configuration (C(extra-index-url), C(find-links)) are asked, too.
      - May hold user name and password, which are sent to that server only.
    type: str
extends_documentation_fragment:
  - stackstorm.st2._repository
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
    details:
      - Everything is fetched and proven, into a directory of the task alone.
  diff_mode:
    support: full
    details:
      - Shows the packs and the files of Python packages that come and go.
  idempotent:
    support: full
requirements:
  - Python 3.8 or newer
  - git
  - PyYAML, jsonschema (3.2 or newer), requests and semver (2.10 or newer)
  - git-lfs, for packs that keep files in Git LFS
notes:
  - The module runs on any host, usually the controller (C(delegate_to=localhost)), and needs no StackStorm there.
    The libraries are in C(requirements.txt) of this collection.
  - Credentials of repositories and indexes stay on the host where the module runs. There are none in a bundle.
  - Two bundles of one lock have the same RV(digest). Their bytes may differ where other versions of git wrote them.
  - A bundle is not encrypted. Who can read it can read the packs.
seealso:
  - module: stackstorm.st2.st2_bundle_info
    description: Checks a bundle and lists what is in it.
  - module: stackstorm.st2.st2_pack
    description: Installs packs from a bundle.
"""

EXAMPLES = r"""
- name: Put what is locked into one file, on the controller
  stackstorm.st2.st2_bundle:
    lockfile: "{{ playbook_dir }}/packs.lock.yml"
    path: "{{ playbook_dir }}/packs.bundle"
    token: "{{ acme_git_token }}"
  delegate_to: localhost
  run_once: true
  become: false

- name: Take Python packages from an own index
  stackstorm.st2.st2_bundle:
    lockfile: /srv/fleet/packs.lock.yml
    path: /srv/fleet/packs.bundle
    pip_index_url: https://pypi.example.com/simple
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
  description: What there is for each platform of the lock, by its key.
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
