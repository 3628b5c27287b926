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
      - Pack indexes to use instead of those of the host (C([content] index_url)). The leftmost index that lists a pack
        wins.
      - C(file:///) URLs are supported.
    type: list
    elements: str
  index_strict:
    description:
      - Do not resolve a short name from an index of lower priority while one of higher priority cannot be read. This
        prevents a pack of a private index from being replaced by a public pack of the same name because a server is
        down.
    type: bool
    default: true
  index_allowed_signers:
    description:
      - Who may sign the indexes, as lines of an OpenSSH allowed_signers file (see C(ssh-keygen(1))), such as
        V(ci@example.com ssh-ed25519 AAAA...). With C(namespaces="st2-index") in a line, its key is accepted for indexes
        only.
      - With this option, each index must have a valid signature. The signature is a file next to the index with the
        same name and the suffix C(.sig), created with C(ssh-keygen -Y sign -n st2-index). An index whose signature is
        missing, invalid or made by somebody else is treated as an index that cannot be read.
      - A signed index whose C(metadata.serial) is lower than the last one that this host accepted from the same URL is
        treated the same way, so that nobody can replay an old index with old versions of packs.
        M(stackstorm.st2.st2_pack) records that number next to the packs, except in check mode, so hosts that share
        packs share it. For an unsigned index the number is neither recorded nor checked, since anybody could lock the
        host out with a high one.
      - Requires C(ssh-keygen) of OpenSSH 8.2 or later on the target.
    type: list
    elements: str
    version_added: 0.3.0
  username:
    description:
      - User name for repositories and indexes over HTTP(S). A user name in a URL
        (V(https://acme@git.example.com/x.git)) takes precedence for that URL.
    type: str
  password:
    description:
      - Password of O(username). It is only sent to servers that the task or the index of the host names, and only when
        they ask for it.
      - Credentials in a URL are used for that URL only, and take precedence. This allows a different token for each of
        two repositories on one server.
      - Mutually exclusive with O(token).
    type: str
  token:
    description:
      - Access token for repositories and indexes over HTTP(S). Set O(username) as well for servers that expect a
        certain user name with it.
      - Mutually exclusive with O(password).
    type: str
  ssh_key_file:
    description:
      - Private key on the target for repositories over SSH. The key must be usable without a prompt, with mode V(0600)
        and without a passphrase.
      - Without O(ssh_key_file) and O(known_hosts_file), git uses the SSH keys and settings of the account that runs the
        module, with E(GIT_SSH_COMMAND), C(core.sshCommand) of the git configuration, or E(GIT_SSH).
    type: path
  known_hosts_file:
    description:
      - File on the target with the host keys of SSH servers. Servers that are not in it are refused. By default, the
        files of the account that runs the module are used.
    type: path
  http_proxy:
    description:
      - Proxy for HTTP. By default, the proxy that StackStorm's own actions use, which is set in the environment of the
        C(st2actionrunner) service or else in C(configs/packs.yaml). If neither sets one, the environment of the task is
        used. An empty string disables the proxy.
      - A value in C(configs/packs.yaml) that refers to StackStorm's datastore cannot be read, since only StackStorm can
        decrypt it. The module warns about it.
    type: str
  https_proxy:
    description:
      - Proxy for HTTPS. The default is found in the same way as for O(http_proxy).
    type: str
  no_proxy:
    description:
      - Comma-separated list of hosts to reach without a proxy. The default is found in the same way as for
        O(http_proxy).
    type: str
"""
