# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private to the stackstorm.st2 collection: do not use it elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """How indexes and repositories are reached; the options are those of _argspec.access_options."""

    DOCUMENTATION = r"""
options:
  index_url:
    description:
      - Pack indexes to use instead of the host's own (C([content] index_url)). The leftmost one that lists a pack
        wins.
      - Also takes C(file:///) URLs.
    type: list
    elements: str
  index_strict:
    description:
      - While an index of higher priority cannot be read, do not resolve a short name from a lower one. A pack of a
        private index is never replaced by a public pack of the same name because a server was down.
    type: bool
    default: true
  index_allowed_signers:
    description:
      - Who may sign the indexes, as the lines of an allowed_signers file of OpenSSH (see C(ssh-keygen(1))), such as
        V(ci@example.com ssh-ed25519 AAAA...). With C(namespaces="st2-index") in such a line, its key may sign nothing
        else.
      - With this option, each index has to have a valid signature. It lies beside the index under the same name with
        C(.sig), and is made by C(ssh-keygen -Y sign -n st2-index). An index without one, with a wrong one, or with one
        of somebody else counts as one that cannot be read.
      - The same goes for a signed index whose C(metadata.serial) is lower than the one that this host has last taken
        from that URL, so that nobody can give it an old index, with the old versions of packs. A run of
        M(stackstorm.st2.st2_pack) that is not in check mode writes that number down, beside the packs, so that hosts
        that share these share it. Of an index without a signature it is neither written down nor looked at, as anybody
        could lock the host out by a high one.
      - Needs C(ssh-keygen) of OpenSSH 8.2 or later on the target.
    type: list
    elements: str
    version_added: 0.3.0
  username:
    description:
      - Account for repositories and indexes over HTTP(S). An account that stands in a URL itself
        (V(https://acme@git.example.com/x.git)) is used for that URL instead.
    type: str
  password:
    description:
      - Password of O(username). Only sent to servers that the task or the host's index names, and only when they ask.
      - What stands in a URL is for that URL alone, and comes before it. So each of two repositories on one server may
        have a token of its own.
      - Mutually exclusive with O(token).
    type: str
  token:
    description:
      - Access token for repositories and indexes over HTTP(S). Hosts that want a certain account name beside it get
        O(username).
      - Mutually exclusive with O(password).
    type: str
  ssh_key_file:
    description:
      - Private key on the target for repositories over SSH. It must be one that ssh takes without a question, of mode
        V(0600) and without a passphrase.
      - Without O(ssh_key_file) and O(known_hosts_file), SSH is used as the account that runs the module uses it for
        git, with its keys and with E(GIT_SSH_COMMAND), C(core.sshCommand) of git's configuration, or E(GIT_SSH).
    type: path
  known_hosts_file:
    description:
      - File on the target with the keys of SSH servers; servers that are not in it are refused. By default, the files
        of the account that runs the module.
    type: path
  http_proxy:
    description:
      - Proxy for HTTP, by default the one that StackStorm's own actions use. That is what the environment of the
        service C(st2actionrunner) says, else C(configs/packs.yaml). Where neither does, it is that of the environment
        of the task. An empty string means none.
      - A value in C(configs/packs.yaml) that refers to StackStorm's key-value store cannot be read, as only StackStorm
        can decrypt it. The module warns of it.
    type: str
  https_proxy:
    description:
      - Proxy for HTTPS, found as O(http_proxy) is.
    type: str
  no_proxy:
    description:
      - Hosts to reach without a proxy, separated by commas, found as O(http_proxy) is.
    type: str
"""
