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
  - Tags the commit of a working copy with the version in its C(pack.yaml), and pushes the tag, when that version is
    new. StackStorm and the indexes find the versions of a pack by such tags.
  - A version is new when neither the remote nor the working copy has a tag C(vX.Y.Z) or C(X.Y.Z) for it. When the
    remote has it on this very commit, all is done. When it has it on an earlier one, there is nothing to release until
    the version is raised. A tag is never moved.
  - The tag is annotated, and signed if there is a key. It is made aside, verified, and pushed together with the branch
    or not at all; then the remote is asked for it. A run that fails or is killed leaves no tag that was not pushed.
  - What stands against a release is said at once. These are changes that are not committed or files that are neither
    committed nor ignored, a branch that is not pushed or not up to date, a C(pack.yaml) that StackStorm would refuse,
    a version that is lower than a released one, and a tag of that name on another commit. A version that the file with
    the changes does not name is warned of.
  - Runs wherever the working copy is, such as the controller or a runner of the CI. It needs no StackStorm there.
options:
  path:
    description:
      - The working copy of the pack, with C(pack.yaml) at its root.
    type: path
    required: true
  remote:
    description:
      - The name of the remote in the working copy that the tag is pushed to. Credentials in its address are used, and
        shown nowhere.
    type: str
    default: origin
  branch:
    description:
      - The branch of the remote that has to be at the commit. By default the current one; when none is checked out, as
        in many CIs, the remote's default branch.
    type: str
  signing_key:
    description:
      - An ssh private key without a passphrase, by which the tag is signed (git's C(gpg.format=ssh)).
      - Needs git 2.34 or newer.
    type: path
  tagger:
    description:
      - Who makes the tag, in the form C(Name <name@example.com>). By default what git's configuration says.
    type: str
  tag_message:
    description:
      - The message of the tag. By default the ref of the pack and the version.
    type: str
  maintenance:
    description:
      - Whether the version may be lower than the highest one that is released, such as V(1.4.1) after V(2.0.0).
    type: bool
    default: false
  fail_on_unreleased:
    description:
      - Whether to fail when there are commits behind the release of the version, and it was not raised.
    type: bool
    default: false
extends_documentation_fragment:
  - stackstorm.st2._repository
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
    details:
      - Says which tag would be made at which commit, and all that stands against it. The signature is not tried.
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
  - The hooks of the working copy, such as C(pre-push), are not run, and nothing else that its settings name.
  - Where the account does not own the working copy, the new tag is only at the remote; C(git fetch --tags) brings it.
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

- name: Release it with a signed tag, and say who made it
  stackstorm.st2.st2_pack_release:
    path: /srv/packs/acme_dns
    signing_key: /etc/st2-release/key
    tagger: Release bot <release@example.com>

- name: Release a fix of an older line from its branch
  stackstorm.st2.st2_pack_release:
    path: /srv/packs/acme_dns
    branch: v1.4
    maintenance: true
"""

RETURN = r"""
msg:
  description: What happened, or what stands against it, in one line.
  returned: always
  type: str
  sample: "acme_dns 1.2.0: tag v1.2.0 at 108d52b, after v1.1.0"
url:
  description: The address of the remote, without credentials.
  returned: when the working copy and its remote could be read
  type: str
  sample: https://git.example.com/packs/acme_dns.git
branch:
  description: The branch of the remote that is released from. Null when it is not known.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: main
ref:
  description: The ref of the pack. Null when C(pack.yaml) is not valid.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: acme_dns
version:
  description: The version in C(pack.yaml). Null when that is not valid.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: 1.2.0
head:
  description: The commit of the working copy.
  returned: when the working copy and its remote could be read
  type: str
  sample: 108d52bfbc4e1b3c1a3d1f5d6e1b1c9d0f3a2b4c
tag:
  description: The tag of the version, new or not. Null when there is no version.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: v1.2.0
commit:
  description: The commit of that tag at the remote, or what it would be in check mode. Null when it has no such tag.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: 108d52bfbc4e1b3c1a3d1f5d6e1b1c9d0f3a2b4c
released:
  description: Whether the commit of the working copy is what the tag means, or would be in check mode.
  returned: when the working copy and its remote could be read
  type: bool
  sample: true
previous:
  description: The tag of the highest version that the remote had before. Null when there was none.
  returned: when the working copy and its remote could be read, when not null, or with C(-v)
  type: str
  sample: v1.1.0
problems:
  description: What stands against the release, each a sentence.
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
