#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_index
short_description: Build and keep a StackStorm pack index
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Makes the directory from which a web server publishes a pack index, the file by which C(st2 pack install NAME) and
    M(stackstorm.st2.st2_pack) turn the short name of a pack into a repository and a version.
  - The index lists packs of your own repositories (O(packs)), ready entries (O(entries)), and what other indexes list
    (O(index_url)), such as the public StackStorm Exchange. StackStorm then needs this one index only, and a name of
    yours can never become a public pack of the same name.
  - What is published has the form of the Exchange's. That is C(v1/index.json) and for each pack
    C(v1/packs/REF/pack.yaml), C(config.schema.json), a C(KIND/NAME.json) for each resource, and C(v1/icons/REF.png).
    Entries also have the keys C(commit), C(digest) and C(requires_config), and the C(metadata) has C(serial). Beside
    the index there are C(index.json.gz), for servers that send it compressed, and C(index.json.sig), when it is signed.
  - Readers see the old index or the whole new one, also when the module is killed. O(path) is a link that is led to
    another directory in one step.
  - Repositories are fetched once. Later runs ask each for its branches and tags, and fetch what they do not know yet.
options:
  path:
    description:
      - The directory to publish. The index is C(PATH/v1/index.json). It becomes a symbolic link to a release in
        C(.NAME.st2_index) beside it, where the one before is kept, too. The web server has to follow symbolic links.
      - A directory that is already there is taken over and kept as the release before. What lies in it beside C(v1)
        stays published. All that is in C(v1) belongs to this module, which removes what it no longer wants.
      - The directory in which it lies has to be there.
    type: path
    required: true
  packs:
    description:
      - The packs to read and to list, each either as O(stackstorm.st2.st2_pack#module:name) takes it, such as
        C(https://git.example.com/acme/stackstorm-acme_dns.git), or as a dictionary with C(source), C(version) and
        C(name) (or C(pack)) of O(stackstorm.st2.st2_pack#module:packs). The C(name) beside a source is the ref that the
        pack must have. A name alone is looked up in O(index_url).
      - With a version, that is what is described, whatever O(revision) is.
      - A directory without git can be listed with O(repo_url). C(subdir) is refused, as StackStorm installs what an
        index lists from the root of a repository.
      - At least one of O(packs), O(entries) and O(index_url) is required.
    type: list
    elements: raw
  entries:
    description:
      - Entries that are published as they are, by ref. Each needs a C(repo_url).
      - At least one of O(packs), O(entries) and O(index_url) is required.
    type: dict
  index_url:
    description:
      - Indexes whose packs are listed too. Of a pack that several list, the leftmost one gives the whole entry, as in
        StackStorm. A pack of O(packs) or O(entries) wins over all of them; RV(shadowed) says which it hides.
      - An index that StackStorm could not read, or that is down, fails the task; see O(index_strict).
      - Also takes C(file:///) URLs.
      - At least one of O(packs), O(entries) and O(index_url) is required.
    type: list
    elements: str
  index_strict:
    description:
      - Whether an index of O(index_url) that cannot be read fails the task. Otherwise its packs are left out, and
        vanish from the index that is published.
    type: bool
    default: true
  index_allowed_signers:
    description:
      - Who may sign the indexes of O(index_url), as lines of an OpenSSH C(allowed_signers) file. An index without a
        signature of one of them counts as one that cannot be read.
    type: list
    elements: str
  include:
    description:
      - Patterns such as V(aws*). Of O(index_url), only packs whose refs match one of them are listed. By default all.
    type: list
    elements: str
  exclude:
    description:
      - Patterns of refs that are not taken over from O(index_url).
    type: list
    elements: str
  repo_url:
    description:
      - Where StackStorm finds the repositories of O(packs), such as V(https://git.example.com/{ref}.git). C({ref})
        stands for the ref of the pack. By default where they are read from, without user names and passwords.
      - Needed for directories and repositories of this host.
    type: str
  revision:
    description:
      - Which commit of a repository is described, and is the C(version) that the index offers.
      - V(tag) is the highest version that is tagged (C(vX.Y.Z) or C(X.Y.Z)), and no pre-release while there is a
        release. A tag whose C(pack.yaml) says another version is passed over with a warning.
      - V(branch) is the tip of the default branch. Where no tag of its version leads there, the C(version) in the index
        is the name of the branch, since StackStorm installs what C(version) names.
      - V(published) does what the Exchange does, for comparison. It is the newest commit that has a tag, which need not
        be the highest version, and C(versions) in the order of letters.
    type: str
    choices: [tag, branch, published]
    default: tag
  on_invalid:
    description:
      - What to do about a pack that StackStorm would refuse to install, or that has nothing to be listed. V(fail) says
        what is wrong with all of them and publishes nothing. V(skip) leaves them out and warns; their names stay
        reserved, so that no other index fills them.
      - A repository that cannot be reached always fails the task.
    type: str
    choices: [fail, skip]
    default: fail
  sign_key:
    description:
      - File on the target with an SSH private key by which the index is signed, with C(ssh-keygen -Y sign -n
        st2-index). It has no passphrase, or is the public key to one that the agent of the account has.
      - Modules of this collection that are given C(index_allowed_signers) take an index only with such a signature.
        StackStorm itself does not look at it.
    type: path
extends_documentation_fragment:
  - stackstorm.st2._repository
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
    details:
      - Repositories with commits that are not known yet are fetched into a directory of the task alone. Nothing is
        written in or beside O(path).
  diff_mode:
    support: full
    details:
      - Shows the packs and versions that come and go.
  idempotent:
    support: full
    details:
      - While nothing changes in what the index is made of, no byte of it changes, the time and the signature included.
requirements:
  - Python 3.8 or newer
  - git
  - PyYAML, jsonschema (3.2 or newer), requests and semver (2.10 or newer)
  - ssh-keygen of OpenSSH 8.2 or newer, for O(sign_key)
notes:
  - The target is any host, such as the web server or C(localhost), and no StackStorm has to be there. Where one is, the
    module uses the libraries of StackStorm's own Python. On Debian 12 they are the packages C(python3-yaml),
    C(python3-jsonschema), C(python3-requests) and C(python3-semver); elsewhere C(pip install PyYAML jsonschema requests
    semver). For the controller they are in C(requirements.txt) of this collection.
  - The clones are kept in C(.NAME.st2_index/cache) beside O(path), for the account of the module only. It may be
    deleted at any time.
  - C(metadata.generated_ts) is the time of the newest commit that is listed, or E(SOURCE_DATE_EPOCH).
seealso:
  - module: stackstorm.st2.st2_index_info
    description: Searches indexes and says what is wrong with them.
  - module: stackstorm.st2.st2_pack_lint
    description: Says what is wrong with a pack before it is released.
  - module: stackstorm.st2.st2_conf
    description: Lets StackStorm ask the index.
"""

EXAMPLES = r"""
- name: Publish an index of two private packs, with all public packs behind them
  stackstorm.st2.st2_index:
    path: /srv/www/index
    packs:
      - https://git.example.com/acme/stackstorm-acme_dns.git
      - https://git.example.com/acme/stackstorm-acme_mail.git
    index_url:
      - https://index.stackstorm.org/v1/index.json
    token: "{{ acme_git_token }}"
    sign_key: /etc/st2-index/id_ed25519

- name: Publish packs of this host's git server, by the address that others use for it
  stackstorm.st2.st2_index:
    path: /srv/www/index
    packs:
      - source: /srv/git/acme_dns.git
      - source: /srv/git/acme_mail.git
        version: v2.1.0
    repo_url: "https://git.example.com/{ref}.git"

- name: Say what would change
  stackstorm.st2.st2_index:
    path: /srv/www/index
    packs:
      - https://git.example.com/acme/stackstorm-acme_dns.git
    on_invalid: skip
  check_mode: true
  diff: true

- name: Publish a choice of public packs only
  stackstorm.st2.st2_index:
    path: /srv/www/index
    index_url:
      - https://index.stackstorm.org/v1/index.json
    include: [sensu, jira, "aws*"]
    exclude: [aws_boto3]
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: "/srv/www/index: acme_dns 1.0.0 -> 1.1.0 (171 packs, serial 1770315167)"
path:
  description: The directory that is published.
  returned: success
  type: str
  sample: /srv/www/index
serial:
  description:
    - The number of this state of the index, which grows with each change. It begins at the time of the newest commit,
      so that an index that was lost and built anew is not taken for an old one.
  returned: success
  type: int
  sample: 1770315167
generated_ts:
  description: When the newest of what is listed was made, in seconds since 1970.
  returned: success
  type: int
  sample: 1770315167
hash:
  description: MD5 over all entries, by the rule of the Exchange.
  returned: success
  type: str
  sample: 62b7f35c9bd5ad19c530fb979b0b43ef
pack_count:
  description: How many packs the index lists.
  returned: success
  type: int
  sample: 171
packs:
  description: The packs that come, go or change.
  returned: success
  type: list
  elements: dict
  contains:
    ref:
      description: The ref of the pack.
      returned: always
      type: str
      sample: acme_dns
    before:
      description: The version that the index offered. Null for a pack that it did not list.
      returned: when not null, and not as RV(packs[].after), or with C(-v)
      type: str
      sample: 1.0.0
    after:
      description: The version that the index offers. Null for a pack that it no longer lists.
      returned: when not null, or with C(-v)
      type: str
      sample: 1.1.0
    commit:
      description: The commit of RV(packs[].after). Null where that is not known.
      returned: when not null, or with C(-v)
      type: str
      sample: 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12
    source:
      description: The repository or directory that the pack was read from, V(entries), or the index that lists it.
      returned: always
      type: str
      sample: https://git.example.com/acme/stackstorm-acme_dns.git
left_out:
  description: Packs that are left out, with O(on_invalid=skip).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The pack as the task names it.
      returned: always
      type: str
      sample: https://git.example.com/acme/stackstorm-acme_mail.git
    ref:
      description: Its ref. Null when it is not known.
      returned: when not null, or with C(-v)
      type: str
      sample: acme_mail
    reason:
      description: What is wrong with it, with file and line.
      returned: always
      type: str
      sample: "https://git.example.com/acme/stackstorm-acme_mail.git has no tag that is a version, such as v1.0.0."
shadowed:
  description:
    - Packs of the task whose names other indexes have for another repository. These other packs are not listed. The
      module warns of them.
  returned: success
  type: list
  elements: dict
  contains:
    ref:
      description: The ref of the pack.
      returned: always
      type: str
      sample: acme_dns
    repo_url:
      description: The repository that is listed. Null for a pack that is left out, whose name stays reserved.
      returned: when not null, or with C(-v)
      type: str
      sample: https://git.example.com/acme/stackstorm-acme_dns.git
    index_url:
      description: The index that has another one.
      returned: always
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    other_repo_url:
      description: The repository that it has.
      returned: always
      type: str
      sample: https://github.com/StackStorm-Exchange/stackstorm-acme_dns
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: validate
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._index.argspec import index_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.index import converge_index


def main() -> None:
    """Run the module."""
    run_module(index_options(), converge_index)


if __name__ == "__main__":
    main()
