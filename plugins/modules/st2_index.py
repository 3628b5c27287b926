#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_index
short_description: Build and update a StackStorm pack index
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Creates a directory from which a web server publishes a pack index. C(st2 pack install NAME) and
    M(stackstorm.st2.st2_pack) use the index to resolve the short name of a pack to a repository and a version.
  - The index lists packs of your own repositories (O(packs)), predefined entries (O(entries)), and the packs of other
    indexes (O(index_url)), such as the public StackStorm Exchange. StackStorm then only needs this index, and a public
    pack can never take the name of one of your packs.
  - The index has the format of the StackStorm Exchange. It consists of C(v1/index.json) and, for each pack,
    C(v1/packs/REF/pack.yaml), C(config.schema.json), a C(KIND/NAME.json) for each resource, and C(v1/icons/REF.png).
    Entries also have the keys C(commit), C(digest) and C(requires_config), and the C(metadata) has C(serial). A key
    C(upstream) of an entry that is taken over from the index of an Exchange is kept. Next to
    the index are C(index.json.gz), for servers that send it compressed, and C(index.json.sig) if it is signed.
  - Readers see either the old or the complete new index, even if the module is killed. O(path) is a symbolic link that
    is switched to another directory in one step.
  - With O(page), people can browse the index, too, on a page with all packs and a page for each pack.
  - Repositories are cloned once. Later runs query their branches and tags, and fetch only new commits.
options:
  path:
    description:
      - The directory to publish. The index is C(PATH/v1/index.json). O(path) becomes a symbolic link to a release in
        C(.NAME.st2_index) next to it, where the previous release is kept, too. The web server must follow symbolic
        links.
      - An existing directory is taken over and kept as the previous release. Its content outside of C(v1) stays
        published. Everything in C(v1) belongs to this module, which removes what is no longer needed. With O(page), the
        same applies to C(index.html), C(feed.xml), C(packs) and C(page).
      - The parent directory must exist.
    type: path
    required: true
  packs:
    description:
      - The packs to read and list, each in a form that O(stackstorm.st2.st2_pack#module:name) accepts, such as
        C(https://git.example.com/acme/stackstorm-acme_dns.git), or as a dictionary with C(source), C(version) and
        C(name) (or C(pack)) as in O(stackstorm.st2.st2_pack#module:packs). If there is a source, C(name) is the ref
        that the pack must have. A name alone is looked up in O(index_url).
      - A version takes precedence over O(revision).
      - A directory without git requires O(repo_url). C(subdir) is refused, since StackStorm installs packs in an index
        from the root of a repository.
      - At least one of O(packs), O(entries) and O(index_url) is required.
    type: list
    elements: raw
  entries:
    description:
      - Entries to publish unchanged, as a dictionary with refs as keys. Each entry requires a C(repo_url).
      - At least one of O(packs), O(entries) and O(index_url) is required.
    type: dict
  index_url:
    description:
      - Other indexes whose packs are listed too. If several of them list a pack, the entry of the leftmost one is used,
        as in StackStorm. Packs in O(packs) and O(entries) take precedence over all of them. RV(shadowed) lists the
        packs that are hidden by them.
      - The task fails if an index cannot be reached or StackStorm could not read it, see O(index_strict).
      - C(file:///) URLs are supported.
      - At least one of O(packs), O(entries) and O(index_url) is required.
    type: list
    elements: str
  index_strict:
    description:
      - Whether the task fails if an index of O(index_url) cannot be read. Otherwise its packs are left out of the
        published index.
    type: bool
    default: true
  index_allowed_signers:
    description:
      - Who may sign the indexes of O(index_url), as lines of an OpenSSH C(allowed_signers) file. An index that is not
        signed by one of them is treated as an index that cannot be read.
    type: list
    elements: str
  include:
    description:
      - Patterns of refs, such as V(aws*). Only matching packs of O(index_url) are listed. By default, all are listed.
    type: list
    elements: str
  exclude:
    description:
      - Patterns of refs. Matching packs of O(index_url) are not listed.
    type: list
    elements: str
  repo_url:
    description:
      - The URL from which StackStorm clones the repositories of O(packs), such as V(https://git.example.com/{ref}.git).
        C({ref}) is replaced by the ref of the pack. Defaults to the URL that the module reads from, without user name
        and password.
      - Required for directories and repositories on the target.
    type: str
  revision:
    description:
      - Which commit of a repository is listed, and the C(version) in the index.
      - V(tag) is the highest tagged version (C(vX.Y.Z) or C(X.Y.Z)). Pre-releases are only used if there is no release.
        A tag whose C(pack.yaml) has another version is skipped with a warning.
      - V(branch) is the tip of the default branch. If no tag of its version points to it, the C(version) in the index
        is the name of the branch, since StackStorm installs the revision that C(version) names.
      - V(published) does the same as the Exchange, for comparison. It is the newest commit with a tag, which is not
        necessarily the highest version, and C(versions) are sorted alphabetically.
    type: str
    choices: [tag, branch, published]
    default: tag
  on_invalid:
    description:
      - What to do about a pack that StackStorm would refuse to install, or that has no revision to list. V(fail)
        reports all invalid packs and publishes nothing. V(skip) leaves them out with a warning. Their names stay
        reserved, so that no pack of another index takes them.
      - The task always fails if a repository cannot be reached.
    type: str
    choices: [fail, skip]
    default: fail
  sign_key:
    description:
      - File on the target with the SSH private key that signs the index, with C(ssh-keygen -Y sign -n st2-index). The
        key must have no passphrase, or the file can be the public key of a key in the SSH agent of the account.
      - Modules of this collection with C(index_allowed_signers) require such a signature. StackStorm itself ignores it.
    type: path
  page:
    description:
      - Whether to publish web pages as well. C(PATH/index.html) lists all packs, C(PATH/packs/REF/index.html) describes
        one, and C(PATH/feed.xml) is an Atom feed of added, updated and removed packs. The pages can be read from a web
        server, in any subdirectory, or as local files. They contain everything without JavaScript, which is only used
        to search and filter, and they load nothing from other servers.
      - The page of a pack in O(packs) contains its actions with their parameters, its sensors, the options of its
        config, how to install it, and what M(stackstorm.st2.st2_pack_lint) finds in the listed version. Findings are
        kept for each commit, so only new commits are checked, which usually takes less than a second. Packs of
        O(entries) and O(index_url) are described by their entries, which only contain the names of actions and sensors.
      - The task fails if O(path) contains one of these files, and this module did not create it. If O(page) is V(false)
        again, the pages are removed.
    type: bool
    default: false
  page_assets:
    description:
      - Archive on the target with the style sheets and scripts of O(page). This is set internally. Do not set it in a
        task.
    type: path
extends_documentation_fragment:
  - stackstorm.st2._repository
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
    details:
      - Repositories with new commits are fetched into a temporary directory. Nothing is written in or next to O(path).
  diff_mode:
    support: full
    details:
      - Shows the packs and versions that are added and removed.
  idempotent:
    support: full
    details:
      - As long as the inputs do not change, the index does not change either, including its time and signature.
requirements:
  - Python 3.8 or newer
  - git
  - PyYAML, jsonschema (3.2 or newer), requests and semver (2.10 or newer)
  - ssh-keygen of OpenSSH 8.2 or newer, for O(sign_key)
notes:
  - The target can be any host, such as the web server or C(localhost), and does not need StackStorm. If StackStorm is
    installed, the module uses the libraries of its Python. On Debian 12, the libraries are in the packages
    C(python3-yaml), C(python3-jsonschema), C(python3-requests) and C(python3-semver). On other systems, use C(pip
    install PyYAML jsonschema requests semver). For the controller, they are in C(requirements.txt) of this collection.
  - The clones are kept in C(.NAME.st2_index/cache) next to O(path), readable only by the account that runs the module.
    This directory can be deleted at any time.
  - C(metadata.generated_ts) is the time of the newest listed commit, or E(SOURCE_DATE_EPOCH).
seealso:
  - module: stackstorm.st2.st2_index_info
    description: Searches and checks indexes.
  - module: stackstorm.st2.st2_pack_lint
    description: Checks a pack before it is released.
  - module: stackstorm.st2.st2_conf
    description: Configures StackStorm to use the index.
"""

EXAMPLES = r"""
- name: Publish an index of two private packs and all public packs
  stackstorm.st2.st2_index:
    path: /srv/www/index
    packs:
      - https://git.example.com/acme/stackstorm-acme_dns.git
      - https://git.example.com/acme/stackstorm-acme_mail.git
    index_url:
      - https://index.stackstorm.org/v1/index.json
    token: "{{ acme_git_token }}"
    sign_key: /etc/st2-index/id_ed25519

- name: Publish packs of local git repositories under their public URL
  stackstorm.st2.st2_index:
    path: /srv/www/index
    packs:
      - source: /srv/git/acme_dns.git
      - source: /srv/git/acme_mail.git
        version: v2.1.0
    repo_url: "https://git.example.com/{ref}.git"

- name: Publish an index with a page for people
  stackstorm.st2.st2_index:
    path: /srv/www/index
    packs:
      - https://git.example.com/acme/stackstorm-acme_dns.git
      - https://git.example.com/acme/stackstorm-acme_mail.git
    page: true

- name: Show what would change
  stackstorm.st2.st2_index:
    path: /srv/www/index
    packs:
      - https://git.example.com/acme/stackstorm-acme_dns.git
    on_invalid: skip
  check_mode: true
  diff: true

- name: Publish a selection of public packs only
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
  description: The published directory.
  returned: success
  type: str
  sample: /srv/www/index
serial:
  description:
    - Serial number of the index, which increases with each change. It starts with the time of the newest commit, so
      that an index that was lost and rebuilt is not taken for an old one.
  returned: success
  type: int
  sample: 1770315167
generated_ts:
  description: Time of the newest listed commit, in seconds since 1970.
  returned: success
  type: int
  sample: 1770315167
hash:
  description: MD5 hash of all entries, computed like that of the Exchange.
  returned: success
  type: str
  sample: 62b7f35c9bd5ad19c530fb979b0b43ef
pack_count:
  description: Number of packs in the index.
  returned: success
  type: int
  sample: 171
packs:
  description: The packs that are added, removed or changed.
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
      description: The version in the index before the task. Null for a pack that was not listed.
      returned: when not null, and not as RV(packs[].after), or with C(-v)
      type: str
      sample: 1.0.0
    after:
      description: The version in the index after the task. Null for a pack that is no longer listed.
      returned: when not null, or with C(-v)
      type: str
      sample: 1.1.0
    commit:
      description: The commit of RV(packs[].after). Null if it is not known.
      returned: when not null, or with C(-v)
      type: str
      sample: 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12
    source:
      description: The repository or directory that the pack was read from, V(entries), or the index that lists it.
      returned: always
      type: str
      sample: https://git.example.com/acme/stackstorm-acme_dns.git
left_out:
  description: Packs that were left out with O(on_invalid=skip).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The pack as specified in the task.
      returned: always
      type: str
      sample: https://git.example.com/acme/stackstorm-acme_mail.git
    ref:
      description: The ref of the pack. Null if it is not known.
      returned: when not null, or with C(-v)
      type: str
      sample: acme_mail
    reason:
      description: Why the pack is invalid, with file and line.
      returned: always
      type: str
      sample: "https://git.example.com/acme/stackstorm-acme_mail.git has no tag that is a version, such as v1.0.0."
shadowed:
  description:
    - Packs of the task whose names refer to another repository in other indexes. The packs of the other indexes are not
      listed. The module warns about them.
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
      description: The listed repository. Null for a pack that was left out, whose name stays reserved.
      returned: when not null, or with C(-v)
      type: str
      sample: https://git.example.com/acme/stackstorm-acme_dns.git
    index_url:
      description: The index with the other repository.
      returned: always
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    other_repo_url:
      description: The repository in that index.
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
