# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Who has to have signed a pack, as the option C(verify_signature) says it: read, checked, and told from another."""

from __future__ import annotations

import hashlib
import json
import re
import typing as t

from .._errors import OptionError

_FINGERPRINT = re.compile(r"[0-9A-F]{40}([0-9A-F]{24})?\Z")
_OPTION = "verify_signature"


class Policy(t.NamedTuple):
    """Who has to have signed what.

    :arg allowed_signers: Lines of an allowed_signers file of OpenSSH.
    :arg gpg_fingerprints: Of keys of GnuPG, in capitals and without blanks.
    :arg gpg_keys: Armoured public keys; without any, those of the account are looked at.
    :arg require: C(tag), C(commit) or C(either).
    """

    allowed_signers: t.Tuple[str, ...] = ()
    gpg_fingerprints: t.Tuple[str, ...] = ()
    gpg_keys: t.Tuple[str, ...] = ()
    require: str = "either"

    @property
    def digest(self) -> str:
        """By what a policy is told from another one; what it does not depend on is order, and comments."""
        parts = [*map(sorted, map(set, (self.allowed_signers, self.gpg_fingerprints, self.gpg_keys))), self.require]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def policy_from(given: t.Optional[t.Mapping[str, t.Any]]) -> t.Optional[Policy]:
    """The policy that an option asks for; C(None) for none.

    :arg given: What Ansible has made of it.
    :raises OptionError: for one that nothing could fulfil, or that cannot be read.
    """
    if given is None:
        return None
    signers, fingerprints, keys = (given.get(key) for key in ("allowed_signers", "gpg_fingerprints", "gpg_keys"))
    if not signers and not fingerprints:
        raise OptionError(
            f"{_OPTION} names nobody whose signature would count, so that every pack would be refused. Give it "
            "allowed_signers, gpg_fingerprints or both; or leave it out where nothing need be signed."
        )
    if keys and not fingerprints:
        raise OptionError(
            f"{_OPTION} has gpg_keys without gpg_fingerprints: keys are what signatures are checked with, and the "
            "fingerprints say which of them count. Give these, too."
        )
    lines: t.List[str] = []
    if signers:
        from .ssh_signatures import named_signers

        lines = [line for line in named_signers("allowed_signers", signers) if line and not line.startswith("#")]
    return Policy(
        tuple(dict.fromkeys(lines)),
        tuple(dict.fromkeys(map(_fingerprint, fingerprints or ()))),
        tuple(dict.fromkeys(map(_public_key, keys or ()))),
        given.get("require") or "either",
    )


def _fingerprint(text: str) -> str:
    found = "".join(text.split()).upper()
    found = found[2:] if found.startswith("0X") else found
    if not _FINGERPRINT.match(found):
        raise OptionError(
            f"{text!r} in gpg_fingerprints of {_OPTION} is no fingerprint of a key: that has 40 hexadecimal digits (64 "
            "for keys of version 5). The short identifier of a key is not enough, as others can have the same."
        )
    return found


def _public_key(text: str) -> str:
    if "PRIVATE KEY" in text:
        raise OptionError(
            f"An item of gpg_keys of {_OPTION} holds a private key, which has no business there: whoever has it can "
            "sign in its owner's name. Give the public one (gpg --armor --export), and think of that key as known."
        )
    if "-----BEGIN PGP PUBLIC KEY BLOCK-----" not in text:
        raise OptionError(
            f"An item of gpg_keys of {_OPTION} is no public key of GnuPG: give the text that gpg --armor --export "
            "writes, such as lookup('ansible.builtin.file', 'release-key.asc') gives it."
        )
    return text.strip()
