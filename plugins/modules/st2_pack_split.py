#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_pack_split
short_description: Split a repository with many StackStorm packs into one repository per pack
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - StackStorm installs each pack from its own repository. This module creates such repositories from one that contains
    several packs, each with the history of its pack, with C(git-filter-repo). The source repository is only read.
  - In check mode, the repositories are created, too, and then discarded, so the result is exact. Without O(push), they
    are only written to O(dest).
  - A repository is only pushed to an empty repository, or to one that an earlier run has pushed to.
  - Tags that are releases of the pack are kept. These are tags C(vX.Y.Z) and C(X.Y.Z), optionally prefixed with the ref
    or the directory of the pack, such as C(acme_dns/v1.0.0), which becomes C(v1.0.0). C(pack.yaml) must have that
    version at the tag, and the pack must differ from the previous tag. The default branch is kept, and so are branches
    with commits of their own.
  - The module verifies that C(HEAD) and every tag have the same files as the original directory.
options:
  repo:
    description:
      - The repository with many packs, as a URL or an absolute path. The packs are those on its default branch.
    type: str
    required: true
  dest:
    description:
      - The directory for the results, which is created if necessary. For each pack, it contains a bare repository
        C(REF.git), and C(REF.SPLIT.txt) with the old and the new ID of each commit, to look up old commit IDs in
        tickets.
      - An existing repository is only replaced if it is an earlier state of the result.
    type: path
    required: true
  packs:
    description:
      - The packs to split off. Defaults to all directories with a C(pack.yaml), except nested ones and the root.
    type: list
    elements: dict
    suboptions:
      path:
        description:
          - The directory of the pack, relative to the root of the repository.
        type: str
        required: true
      name:
        description:
          - The ref that the pack must have. Defaults to the ref in C(pack.yaml).
        aliases: [pack]
        type: str
      former_paths:
        description:
          - Former directories of the pack, whose history is included. The module returns candidates that git finds, but
            never includes them automatically.
        type: list
        elements: str
      url:
        description:
          - The repository to push to. Defaults to O(repo_url).
        type: str
  repo_url:
    description:
      - The URL of the repositories to push to, with C({ref}) for the ref of the pack.
    type: str
  push:
    description:
      - Whether to push the results. The repositories must exist. Without this option, the module only returns their
        state.
    type: bool
    default: false
extends_documentation_fragment:
  - stackstorm.st2._repository
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the branches and tags of the repositories that change.
  idempotent:
    support: full
    details:
      - The same repository results in the same commits, with the same versions of git and git-filter-repo.
requirements:
  - Python 3.8 or newer
  - PyYAML, jsonschema and semver
  - git 2.36 or newer
  - git-filter-repo (C(pip install git-filter-repo))
notes:
  - Signatures of tags and commits are lost, since commits are rewritten. The module returns the tags concerned.
  - The module reports what the pack might need from outside, such as submodules, files in Git LFS, and symbolic links
    and relative paths that leave the pack.
  - Pull requests, issues and settings of the git server are not copied.
  - Splitting a large repository takes minutes and some memory. O(timeout) applies to all packs together.
seealso:
  - module: stackstorm.st2.st2_pack_release
    description: Creates the next release in the new repository.
"""

EXAMPLES = r"""
- name: Preview the split of a repository
  stackstorm.st2.st2_pack_split:
    repo: https://git.example.com/automation/packs.git
    dest: /srv/split
    repo_url: https://git.example.com/packs/{ref}.git
    token: "{{ vault_git_token }}"
  check_mode: true
  register: preview

- name: Split off two packs, one of which was moved before
  stackstorm.st2.st2_pack_split:
    repo: /srv/git/packs.git
    dest: /srv/split
    packs:
      - path: packs/acme_dns
        former_paths:
          - contrib/dns
      - path: packs/acme_mail
        name: acme_mail

- name: Push all packs to existing empty repositories
  stackstorm.st2.st2_pack_split:
    repo: https://git.example.com/automation/packs.git
    dest: /srv/split
    repo_url: https://git.example.com/packs/{ref}.git
    push: true
    token: "{{ vault_git_token }}"
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: acme_dns (41 commits, 3 tags, written), acme_mail (12 commits, 1 tag, as it was)
packs:
  description: The packs, in the order of O(packs), or else sorted by directory.
  returned: when all packs could be split
  type: list
  elements: dict
  contains:
    ref:
      description: The pack.
      returned: always
      type: str
      sample: acme_dns
    version:
      description: The version in C(pack.yaml). Null if there is none.
      returned: when not null, or with C(-v)
      type: str
      sample: 1.2.0
    path:
      description: The directory of the pack in O(repo).
      returned: always
      type: str
      sample: packs/acme_dns
    former_paths:
      description: The former directories in the task.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: []
    former_paths_found:
      description: Other possible former directories that git found. Their history is not included.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: [contrib/dns]
    repository:
      description: The bare repository.
      returned: always
      type: str
      sample: /srv/split/acme_dns.git
    mapping:
      description: The file with the old and the new IDs of the commits.
      returned: always
      type: str
      sample: /srv/split/acme_dns.SPLIT.txt
    head:
      description: The newest commit of the default branch.
      returned: always
      type: str
      sample: 108d52bfbc4e1b3c1a3d1f5d6e1b1c9d0f3a2b4c
    commits:
      description: The number of commits on all branches and tags.
      returned: always
      type: int
      sample: 41
    authors:
      description: The authors of these commits.
      returned: when not empty, or with C(-v)
      type: list
      elements: dict
      contains:
        author:
          description: Name and email address.
          returned: always
          type: str
          sample: A. Author <author@example.com>
        commits:
          description: The number of commits.
          returned: always
          type: int
          sample: 30
    size:
      description: The size of the repository in bytes.
      returned: always
      type: int
      sample: 183204
    branches:
      description: The branches of the repository.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: [main]
    dropped_branches:
      description: Branches without a commit of this pack that is not on the default branch.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: [mail-rewrite]
    tags:
      description: The tags of the repository.
      returned: when not empty, or with C(-v)
      type: list
      elements: dict
      contains:
        name:
          description: The tag.
          returned: always
          type: str
          sample: v1.0.0
        was:
          description: The name of the tag in O(repo).
          returned: always
          type: str
          sample: acme_dns/v1.0.0
        commit:
          description: The commit of the tag.
          returned: always
          type: str
          sample: 108d52bfbc4e1b3c1a3d1f5d6e1b1c9d0f3a2b4c
    dropped_tags:
      description: Tags that are not releases of this pack.
      returned: when not empty, or with C(-v)
      type: list
      elements: dict
      contains:
        name:
          description: The tag.
          returned: always
          type: str
          sample: v1.1.0
        reason:
          description: Why the tag was dropped.
          returned: always
          type: str
          sample: pack.yaml has the version 1.0.0 there
    unsigned_tags:
      description: Tags that lost their signature, by their old names.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: []
    outside:
      description: What the pack might need from the rest of O(repo), each as a sentence.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: ["Files that refer to paths outside of the pack: actions/run.sh."]
    url:
      description: The repository to push to. Null if the task does not set one.
      returned: when not null, or with C(-v)
      type: str
      sample: https://git.example.com/packs/acme_dns.git
    target:
      description:
        - State of the repository to push to before the task, V(empty), V(part) or V(same) (it has some or all of the
          branches and tags and no others), V(other), or V(unreachable). Null if the task does not set a repository.
      returned: when not null, or with C(-v)
      type: str
      sample: empty
    written:
      description: Whether O(dest) was changed, as predicted in check mode.
      returned: always
      type: bool
      sample: true
    pushed:
      description: Whether the repository was pushed, as predicted in check mode.
      returned: always
      type: bool
      sample: false
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: push
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._split.argspec import split_options
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_split import split_repository


def main() -> None:
    """Run the module."""
    run_module(split_options(), split_repository)


if __name__ == "__main__":
    main()
