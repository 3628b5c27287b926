#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_pack_release
short_description: Release a version of a StackStorm pack
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Tags the commit of a working copy with the version in its C(pack.yaml), and pushes the tag, if that version is new.
    StackStorm and pack indexes find the versions of a pack by these tags.
  - A version is new if neither the remote nor the working copy has a tag C(vX.Y.Z) or C(X.Y.Z) for it. If the remote
    has the tag on this commit, nothing is left to do. If it has the tag on an earlier commit, there is nothing to
    release until the version is increased. A tag is never moved.
  - The tag is annotated, and signed if there is a key. It is created in a temporary repository, verified, pushed
    atomically together with the branch, and then verified on the remote. A run that fails or is killed does not leave a
    tag that was not pushed.
  - All problems that prevent a release are reported together. These are uncommitted changes, untracked files, a branch
    that is not pushed or not up to date, a C(pack.yaml) that StackStorm would refuse, a version that is lower than a
    released one, and a tag of that name on another commit. The module warns if the changelog does not mention the
    version.
  - The module runs where the working copy is, such as on the controller or a CI runner. It does not need StackStorm.
options:
  path:
    description:
      - The working copy of the pack, with C(pack.yaml) at its root.
    type: path
    required: true
  remote:
    description:
      - The name of the git remote to push the tag to. Credentials in its URL are used, but never shown.
    type: str
    default: origin
  branch:
    description:
      - The branch of the remote that must point to the commit. Defaults to the current branch, or to the default branch
        of the remote if no branch is checked out, as in many CI systems.
    type: str
  signing_key:
    description:
      - Path to an SSH private key without a passphrase to sign the tag with (C(gpg.format=ssh) of git).
      - Requires git 2.34 or newer.
    type: path
  tagger:
    description:
      - The tagger, in the form C(Name <name@example.com>). Defaults to the git configuration.
    type: str
  tag_message:
    description:
      - The message of the tag. Defaults to the ref of the pack and the version.
    type: str
  maintenance:
    description:
      - Whether the version can be lower than the highest released one, such as V(1.4.1) after V(2.0.0).
    type: bool
    default: false
  fail_on_unreleased:
    description:
      - Whether to fail if there are commits after the release of the version, and the version was not increased.
    type: bool
    default: false
extends_documentation_fragment:
  - stackstorm.st2._repository
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
    details:
      - Returns which tag would be created at which commit, and all problems. Signing is not tested.
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - Python 3.8 or newer
  - PyYAML, jsonschema and semver
  - git
  - ssh-keygen, for O(signing_key)
notes:
  - Hooks of the working copy, such as C(pre-push), and other programs in its git configuration are not run.
  - If the account that runs the module does not own the working copy, the new tag is only on the remote. Use C(git
    fetch --tags) to get it.
seealso:
  - module: stackstorm.st2.st2_pack_split
    description: For a repository that holds several packs.
  - module: stackstorm.st2.st2_pack
    description: Installs a released version.
"""

EXAMPLES = r"""
- name: Release the pack in this directory, if its version is new
  stackstorm.st2.st2_pack_release:
    path: "{{ playbook_dir }}/.."
    token: "{{ lookup('ansible.builtin.env', 'CI_TOKEN') }}"
  delegate_to: localhost

- name: Release a pack with a signed tag and a certain tagger
  stackstorm.st2.st2_pack_release:
    path: /srv/packs/acme_dns
    signing_key: /etc/st2-release/key
    tagger: Release bot <release@example.com>

- name: Release a fix for an older version from its branch
  stackstorm.st2.st2_pack_release:
    path: /srv/packs/acme_dns
    branch: v1.4
    maintenance: true
"""

RETURN = r"""
msg:
  description: What happened, or what prevents the release, in one line.
  returned: always
  type: str
  sample: "acme_dns 1.2.0: tag v1.2.0 at 108d52b, after v1.1.0"
url:
  description: The URL of the remote, without credentials.
  returned: when the working copy and its remote could be read
  type: str
  sample: https://git.example.com/packs/acme_dns.git
branch:
  description: The released branch of the remote. Null if it is not known.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: main
ref:
  description: The ref of the pack. Null if C(pack.yaml) is not valid.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: acme_dns
version:
  description: The version in C(pack.yaml). Null if that is not valid.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: 1.2.0
head:
  description: The commit of the working copy.
  returned: when the working copy and its remote could be read
  type: str
  sample: 108d52bfbc4e1b3c1a3d1f5d6e1b1c9d0f3a2b4c
tag:
  description: The tag of the version, new or existing. Null if there is no version.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: v1.2.0
commit:
  description: The commit of that tag on the remote, as predicted in check mode. Null if there is no such tag.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: 108d52bfbc4e1b3c1a3d1f5d6e1b1c9d0f3a2b4c
released:
  description: Whether the tag points to the commit of the working copy, as predicted in check mode.
  returned: when the working copy and its remote could be read
  type: bool
  sample: true
previous:
  description: The tag of the highest version on the remote before the task. Null if there was none.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: v1.1.0
problems:
  description: Problems that prevent the release, each as a sentence.
  returned: when the working copy and its remote could be read
  type: list
  elements: str
  sample: []
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: push
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._release.argspec import release_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_release import release_pack


def main() -> None:
    """Run the module."""
    run_module(release_options(), release_pack)


if __name__ == "__main__":
    main()
