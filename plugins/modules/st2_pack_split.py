#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_pack_split
short_description: Split a repository with many StackStorm packs into one for each
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - StackStorm installs a pack from a repository of its own. This makes such repositories of one that holds several
    packs, each with the history of its pack, by C(git-filter-repo). The repository that is split is only read.
  - In check mode the repositories are made, too, and thrown away, so that all that the result says is true. Without
    O(push) they are only written to O(dest).
  - A repository is pushed only where nothing is, or where an earlier run has pushed it.
  - Of the tags, those stay that are releases of the pack. That are tags C(vX.Y.Z) and C(X.Y.Z), or with the ref or the
    directory of the pack in front, as C(acme_dns/v1.0.0), which becomes C(v1.0.0); C(pack.yaml) has that version there,
    and the pack is not what it was at the tag before. Of the branches, the default one stays, and those with commits of
    their own.
  - HEAD and every tag are proven to have the same files as the directory that they come from.
options:
  repo:
    description:
      - The repository with many packs, a URL or an absolute path. Its default branch says which packs there are.
    type: str
    required: true
  dest:
    description:
      - The directory for the results, which is made if need be. Each pack has a bare repository C(REF.git) there, and
        beside it C(REF.SPLIT.txt) with the old and the new identifier of each commit, for whoever finds an old one in a
        ticket.
      - A repository that is there is replaced when it is an earlier state of what is made, and is else left alone.
    type: path
    required: true
  packs:
    description:
      - The packs to be split off. By default all directories with a C(pack.yaml), but for those inside of others and
        the root.
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
          - The ref that the pack must have. By default whatever C(pack.yaml) says.
        aliases: [pack]
        type: str
      former_paths:
        description:
          - Directories where the pack was before, whose history is to be taken along. The module says which ones git
            thinks of, and never takes any by itself.
        type: list
        elements: str
      url:
        description:
          - The repository to push to, by default what O(repo_url) says.
        type: str
  repo_url:
    description:
      - The repositories to push to, with C({ref}) for the ref of the pack.
    type: str
  push:
    description:
      - Whether the results are pushed. The repositories have to be there. Without it, the module says in which state
        they are.
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
      - The same repository gives the same commits again, with the same versions of git and git-filter-repo.
requirements:
  - Python 3.8 or newer
  - PyYAML, jsonschema and semver
  - git 2.36 or newer
  - git-filter-repo (C(pip install git-filter-repo))
notes:
  - Signatures of tags and commits are lost, as the commits become others. The module says of which tags.
  - Files outside of the pack that it may need are reported, such as submodules, files in Git LFS, links that lead out
    of the pack, and relative paths that do.
  - The requests, issues and settings of a server do not come along.
  - The history of a large repository takes minutes and some memory; O(timeout) is for all packs together.
seealso:
  - module: stackstorm.st2.st2_pack_release
    description: Makes the next release in the new repository.
"""

EXAMPLES = r"""
- name: See what would become of a repository
  stackstorm.st2.st2_pack_split:
    repo: https://git.example.com/automation/packs.git
    dest: /srv/split
    repo_url: https://git.example.com/packs/{ref}.git
    token: "{{ vault_git_token }}"
  check_mode: true
  register: preview

- name: Split two packs off, one of which was elsewhere before
  stackstorm.st2.st2_pack_split:
    repo: /srv/git/packs.git
    dest: /srv/split
    packs:
      - path: packs/acme_dns
        former_paths:
          - contrib/dns
      - path: packs/acme_mail
        name: acme_mail

- name: Push all packs to repositories that are there and empty
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
  description: The packs, in the order of the task, else of their directories.
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
      description: What its C(pack.yaml) says. Null when that says nothing.
      returned: when not null, or with C(-v)
      type: str
      sample: 1.2.0
    path:
      description: Its directory in the repository with many packs.
      returned: always
      type: str
      sample: packs/acme_dns
    former_paths:
      description: Where it was before, as the task says.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: []
    former_paths_found:
      description: Where git thinks that it was, other than that. Nothing of it is in the result.
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
      description: The file with the old and the new identifiers of its commits.
      returned: always
      type: str
      sample: /srv/split/acme_dns.SPLIT.txt
    head:
      description: The newest commit of the default branch.
      returned: always
      type: str
      sample: 108d52bfbc4e1b3c1a3d1f5d6e1b1c9d0f3a2b4c
    commits:
      description: How many commits there are on all branches and tags.
      returned: always
      type: int
      sample: 41
    authors:
      description: Who made how many of them.
      returned: when not empty, or with C(-v)
      type: list
      elements: dict
      contains:
        author:
          description: Name and address.
          returned: always
          type: str
          sample: A. Author <author@example.com>
        commits:
          description: How many.
          returned: always
          type: int
          sample: 30
    size:
      description: The size of the repository in bytes.
      returned: always
      type: int
      sample: 183204
    branches:
      description: Its branches.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: [main]
    dropped_branches:
      description: Branches that have no commit of this pack that the default branch has not.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: [mail-rewrite]
    tags:
      description: Its tags.
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
          description: Its name in the repository with many packs.
          returned: always
          type: str
          sample: acme_dns/v1.0.0
        commit:
          description: Its commit.
          returned: always
          type: str
          sample: 108d52bfbc4e1b3c1a3d1f5d6e1b1c9d0f3a2b4c
    dropped_tags:
      description: The tags that are no releases of this pack.
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
          description: Why.
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
      description: What the pack seems to need of the repository with many packs, each a sentence.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: ["Files that name paths out of the pack: actions/run.sh."]
    url:
      description: The repository to push to. Null where the task does not say.
      returned: when not null, or with C(-v)
      type: str
      sample: https://git.example.com/packs/acme_dns.git
    target:
      description:
        - The state of that repository before. V(empty); V(part) and V(same) when it has some or all of the branches
          and tags and no others; V(other); V(unreachable). Null where the task does not say which repository.
      returned: when not null, or with C(-v)
      type: str
      sample: empty
    written:
      description: Whether O(dest) was changed, or would be in check mode.
      returned: always
      type: bool
      sample: true
    pushed:
      description: Whether the repository was pushed, or would be in check mode.
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
