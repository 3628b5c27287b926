# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private to the stackstorm.st2 collection: do not use it elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """Whose signature packs must have; the option is that of _argspec.signature_options."""

    DOCUMENTATION = r"""
options:
  verify_signature:
    description:
      - Whose signature the packs of the task, and the packs that they depend on, must have. A pack without such a
        signature is refused, and nothing is changed. StackStorm's own packs are part of StackStorm and are not
        verified.
      - Signatures by SSH keys and GnuPG keys are supported, on a tag or on a commit. The name in a signed tag must be
        the requested name, and the tag must point to the commit that is installed. Git itself (C(git verify-tag))
        compares neither, and accepts an old signed tag under a new name.
      - A pack that is already installed is verified too, with its own repository, or with its source if its own
        repository is not sufficient. The signer is recorded for this value of the option, so a satisfied task does not
        verify the pack again. An installed pack without such a signature is refused as well, and stays unchanged.
      - Signatures by an expired or revoked key are never accepted, not even older ones, since whoever has the key can
        choose the date of a signature.
      - A directory cannot be signed, and is refused.
      - Requires C(ssh-keygen) of OpenSSH 8.2 or later, or C(gpg). Any version of git is sufficient.
    type: dict
    version_added: 0.3.0
    suboptions:
      allowed_signers:
        description:
          - Whose SSH keys are accepted, as lines of an allowed_signers file of OpenSSH (see C(ssh-keygen(1))), such as
            V(release@example.com ssh-ed25519 AAAA...). With C(namespaces="git") in a line, the key can only sign tags
            and commits.
        type: list
        elements: str
      gpg_fingerprints:
        description:
          - Whose GnuPG keys are accepted, as full fingerprints (40 or 64 hexadecimal digits, spaces are ignored). The
            fingerprint of a primary key includes its subkeys. The fingerprint of a subkey only includes that subkey.
        type: list
        elements: str
      gpg_keys:
        description:
          - The public keys for O(verify_signature.gpg_fingerprints), each as exported by C(gpg --armor --export).
            C(gpg) then uses no other keys and ignores the settings of the account. Keys whose fingerprint is not listed
            are not accepted.
          - Without this option, the keys are taken from the keyring of the account that runs the module.
        type: list
        elements: str
      require:
        description:
          - V(tag) requires a signature on the requested tag, or on any tag of a requested full commit. Branches are
            refused, since their state at a given moment is not signed.
          - V(commit) requires a signature on the commit. It shows who created the content, but not that the content is
            the version that it claims to be.
          - V(either) requires one of them.
        type: str
        choices: [tag, commit, either]
        default: either
"""
