# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option verify_signature: what it takes, what it refuses, and which two of it are the same."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._source.signature_policy import policy_from

PRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n"
LINE = "a@example.com ssh-ed25519 AAAA"


def test_nothing_is_no_policy():
    assert policy_from(None) is None


def test_what_is_given():
    policy = policy_from(
        {"allowed_signers": [f"# people\n\n {LINE}\r\n"], "gpg_fingerprints": [f"0x{PRINT.lower()}"], "gpg_keys": [KEY]}
    )
    assert policy == ((LINE,), (PRINT,), (KEY.strip(),), "either")


@pytest.mark.parametrize(
    "form", [PRINT, PRINT.lower(), f"0x{PRINT}", " ".join(PRINT[n : n + 4] for n in range(0, 40, 4))]
)
def test_fingerprints_as_people_write_them(form):
    assert policy_from({"gpg_fingerprints": [form]}).gpg_fingerprints == (PRINT,)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({}, "names nobody whose signature would count"),
        ({"require": "tag"}, "names nobody whose signature would count"),
        ({"allowed_signers": []}, "names nobody whose signature would count"),
        ({"gpg_keys": [KEY]}, "names nobody whose signature would count"),
        ({"allowed_signers": ["# nobody"]}, "allowed_signers has no line that names a signer"),
        ({"allowed_signers": [LINE], "gpg_keys": [KEY]}, "gpg_keys without gpg_fingerprints"),
        ({"gpg_fingerprints": ["01234567"]}, "The short identifier of a key is not enough"),
        ({"gpg_fingerprints": [PRINT[1:] + "G"]}, "no fingerprint of a key"),
        ({"gpg_fingerprints": [PRINT], "gpg_keys": ["AAAA"]}, "no public key of GnuPG"),
        ({"gpg_fingerprints": [PRINT], "gpg_keys": [KEY.replace("PUBLIC", "PRIVATE")]}, "holds a private key"),
    ],
)
def test_what_cannot_be_meant(option, words):
    with pytest.raises(OptionError) as caught:
        policy_from(option)
    assert words in caught.value.message
    assert "AAAA" not in caught.value.message, "keys are not shown"


def test_order_and_comments_make_no_other_policy():
    other = "b@example.com ssh-ed25519 BBBB"
    one = policy_from({"allowed_signers": [LINE, other], "gpg_fingerprints": [PRINT]})
    same = policy_from({"allowed_signers": [f"# x\n{other}\n{LINE}"], "gpg_fingerprints": [PRINT.lower()]})
    assert one.digest == same.digest
    for different in ({"allowed_signers": [LINE]}, {"allowed_signers": [LINE, other], "gpg_fingerprints": [PRINT]}):
        assert policy_from({**different, "require": "tag"}).digest != one.digest
