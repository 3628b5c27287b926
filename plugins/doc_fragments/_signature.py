# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private to the stackstorm.st2 collection: do not use it elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """Who has to have signed packs; the option is that of _argspec.signature_options."""

    DOCUMENTATION = r"""
options:
  verify_signature:
    description:
      - Who has to have signed the packs of the task and those that they depend on. A pack without such a signature is
        refused, and nothing is changed. StackStorm's own packs come with it, and are not looked at.
      - Signatures of SSH keys and of GnuPG keys count, on a tag or on a commit. Of a tag, the name in what is signed
        has to be the name that was asked for, and the commit that it leads to the one that is installed. Git itself
        (C(git verify-tag)) compares neither, so that it takes an old signed tag under a new name.
      - A pack that is installed is looked at as well, in its own repository, and where that does not tell in the one
        that it came from. Who vouched for it is remembered, for this very value of the option, so that a satisfied task
        costs nothing. A pack that is there and not signed so is refused, too, and stays as it is.
      - A key whose time is over, or that was revoked, vouches for nothing, not even for what it signed before, as
        whoever has it can date a signature as they like.
      - A directory cannot be signed, and is refused.
      - Needs C(ssh-keygen) of OpenSSH 8.2 or later, or C(gpg). Any version of git will do.
    type: dict
    version_added: 0.3.0
    suboptions:
      allowed_signers:
        description:
          - Whose SSH keys count, as the lines of an allowed_signers file of OpenSSH (see C(ssh-keygen(1))), such as
            V(release@example.com ssh-ed25519 AAAA...). With C(namespaces="git") in such a line, its key may sign
            nothing but tags and commits.
        type: list
        elements: str
      gpg_fingerprints:
        description:
          - Whose GnuPG keys count, as whole fingerprints (40 or 64 hexadecimal digits, blanks do not matter). That of a
            primary key stands for its subkeys too; that of a subkey for that one alone.
        type: list
        elements: str
      gpg_keys:
        description:
          - The public keys for O(verify_signature.gpg_fingerprints), each as C(gpg --armor --export) writes it. C(gpg)
            then knows no other keys, and none of the settings of the account. What is not among the fingerprints does
            not count.
          - Without this option, the keys are taken from the keyring of the account that runs the module.
        type: list
        elements: str
      require:
        description:
          - V(tag) wants the tag signed that is asked for, or for a full commit any tag of it. It refuses branches, as
            nobody signs what these are at a moment.
          - V(commit) wants the commit signed. That says who made the content, and not that it is the version it is said
            to be.
          - V(either) is satisfied by one of them.
        type: str
        choices: [tag, commit, either]
        default: either
"""
