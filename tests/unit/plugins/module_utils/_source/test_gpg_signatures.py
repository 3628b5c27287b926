# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures of real keys of GnuPG, which are made here."""

from __future__ import annotations

import os
import stat

import pytest
from infrastructure.repositories.signed_objects import signed_commit, signed_tag
from infrastructure.signing import GpgSigner, missing_program

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._source.gpg_signatures import GpgKeys
from ansible_collections.stackstorm.st2.plugins.module_utils._source.repository import Repository
from ansible_collections.stackstorm.st2.plugins.module_utils._source.signature_policy import policy_from
from ansible_collections.stackstorm.st2.plugins.module_utils._source.signatures import Signatures
from ansible_collections.stackstorm.st2.plugins.module_utils._source.ssh_signatures import UntrustedError
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at, releases

_MISSING = missing_program("gpg", "gnupg")
pytestmark = pytest.mark.skipif(bool(_MISSING), reason=_MISSING)
TEXT = b"object 1\n\nRelease\n"


@pytest.fixture(scope="module")
def signer():
    one = GpgSigner()
    yield one
    one.close()


@pytest.fixture(scope="module")
def stranger():
    one = GpgSigner("Jane Releaser <jane@example.com>")
    yield one
    one.close()


@pytest.fixture
def ephemeral():
    one = GpgSigner("Somebody Else <else@example.com>")
    yield one
    one.close()


@pytest.fixture
def keys(tmp_path):
    """Makes what accepts signatures; the account has a home without keys."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def make(fingerprints, texts, home=None):
        environment = {**os.environ, "HOME": str(tmp_path), **({"GNUPGHOME": home} if home else {})}
        environment = {name: value for name, value in environment.items() if home or name != "GNUPGHOME"}
        return GpgKeys(fingerprints, texts, scratch=str(scratch), environment=environment, deadline=Deadline(60))

    return make


def refused(accepting, signature, text=TEXT):
    with pytest.raises(UntrustedError) as caught:
        accepting.signer(text, signature, Deadline(60))
    return caught.value.message


def test_the_signer_is_the_fingerprint_of_the_primary_key(keys, signer):
    accepting = keys([signer.fingerprint], [signer.public_key])
    assert accepting.signer(TEXT, signer.sign(TEXT), Deadline(60)) == signer.fingerprint


def test_another_text(keys, signer):
    message = refused(keys([signer.fingerprint], [signer.public_key]), signer.sign(TEXT), TEXT + b"more")
    assert "does not fit what it is said to sign" in message


def test_a_key_of_the_same_name_is_another_key(keys, signer, stranger):
    both = [signer.public_key, stranger.public_key]
    message = refused(keys([signer.fingerprint], both), stranger.sign(TEXT))
    assert message == f"It is signed by the key {stranger.fingerprint}, which gpg_fingerprints does not name."


def test_a_key_that_is_not_given(keys, signer, stranger):
    message = refused(keys([signer.fingerprint], [signer.public_key]), stranger.sign(TEXT))
    assert f"It is signed by the key {stranger.fingerprint[-16:]}, which is not in gpg_keys" in message


def test_subkeys_count_for_their_primary_key_or_alone(keys, ephemeral):
    sub = ephemeral.add_subkey()
    public, signature = ephemeral.public_key, ephemeral.sign(TEXT)
    assert ephemeral.fingerprint != sub
    for fingerprint in (ephemeral.fingerprint, sub):
        assert keys([fingerprint], [public]).signer(TEXT, signature, Deadline(60)) == ephemeral.fingerprint
    other = ephemeral.add_subkey()
    assert "which gpg_fingerprints does not name" in refused(keys([other], [public]), signature)


def test_a_key_that_has_expired_vouches_for_nothing(keys, ephemeral):
    """Not even for what it signed while it was valid: whoever has it can date a signature as they like."""
    in_time = ("--faked-system-time", "20200601T000000", "--passphrase", "", "--armor", "--detach-sign")
    signature = ephemeral.gpg(*in_time, data=TEXT)
    keys([ephemeral.fingerprint], [ephemeral.public_key]).signer(TEXT, signature, Deadline(60))
    ephemeral.expire()
    message = refused(keys([ephemeral.fingerprint], [ephemeral.public_key]), signature)
    assert ephemeral.fingerprint in message and "by a key that has expired" in message


def test_a_key_that_was_revoked_vouches_for_nothing(keys, ephemeral):
    signature = ephemeral.sign(TEXT)
    ephemeral.revoke()
    message = refused(keys([ephemeral.fingerprint], [ephemeral.public_key]), signature)
    assert ephemeral.fingerprint in message and "by a key that was revoked" in message


def test_without_keys_those_of_the_account_are_taken_and_left_alone(keys, signer, tmp_path):
    before = sorted(os.listdir(signer.home))
    accepting = keys([signer.fingerprint], [], home=signer.home)
    assert accepting.signer(TEXT, signer.sign(TEXT), Deadline(60)) == signer.fingerprint
    assert sorted(os.listdir(signer.home)) == before
    message = refused(keys([signer.fingerprint], []), signer.sign(TEXT))
    assert "which is not in the keyring of the account" in message
    assert not (tmp_path / ".gnupg").exists()


def test_what_the_settings_of_the_account_say_does_not_count(keys, stranger, signer):
    with open(os.path.join(signer.home, "gpg.conf"), "w", encoding="utf-8") as stream:
        stream.write("keyserver hkp://127.0.0.1:1\nauto-key-retrieve\nno-such-option\n")
    try:
        message = refused(keys([signer.fingerprint], [stranger.public_key], home=signer.home), signer.sign(TEXT))
    finally:
        os.unlink(os.path.join(signer.home, "gpg.conf"))
    assert "which is not in gpg_keys" in message


@pytest.mark.parametrize(
    "text", ["x", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n-----END PGP PUBLIC KEY BLOCK-----"]
)
def test_keys_that_are_none(keys, signer, text):
    with pytest.raises(OptionError, match=r"Item 1 of gpg_keys cannot be taken as a public key"):
        keys([signer.fingerprint], [signer.public_key, text])


@pytest.mark.parametrize("form", ["inline", "clear", "nothing", "rubbish"])
def test_what_is_no_detached_signature(keys, signer, form):
    made = {
        "inline": lambda: signer.gpg("--passphrase", "", "--armor", "--sign", data=TEXT),
        "clear": lambda: signer.gpg("--passphrase", "", "--clear-sign", data=TEXT),
        "nothing": lambda: b"",
        "rubbish": lambda: b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n",
    }[form]()
    refused(keys([signer.fingerprint], [signer.public_key]), made, b"something else")


def test_one_of_two_signatures_is_enough(keys, signer, stranger):
    both = signer.gpg("--dearmor", data=stranger.sign(TEXT)) + signer.gpg("--dearmor", data=signer.sign(TEXT))
    armoured = signer.gpg("--enarmor", data=both).replace(b"PGP ARMORED FILE", b"PGP SIGNATURE")
    assert keys([signer.fingerprint], [signer.public_key]).signer(TEXT, armoured, Deadline(60)) == signer.fingerprint
    assert stranger.fingerprint[-16:] in refused(keys(["A" * 40], [signer.public_key]), armoured)


def test_nothing_in_the_home_is_for_others(keys, signer, tmp_path):
    accepting = keys([signer.fingerprint], [signer.public_key])
    accepting.signer(TEXT, signer.sign(TEXT), Deadline(60))
    (home,) = (tmp_path / "scratch").iterdir()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert {stat.S_IMODE((home / name).stat().st_mode) for name in ("keys", "signature", "signed")} == {0o600}
    assert not [name for name in os.listdir(home) if name.startswith("S.")], "no agent is left"
    accepting.close()
    assert list((tmp_path / "scratch").iterdir()) == []


@pytest.mark.parametrize("thing", ["tag", "commit"])
def test_tags_and_commits_that_gnupg_signed(tmp_path, signer, stranger, thing):
    repository = releases(tmp_path / "demo.git", "demo", "1.0.0")
    commit = repository.sha("v1.0.0")
    if thing == "commit":
        commit = signed_commit(repository.path, commit, signer.sign)
    signed_tag(repository.path, "v1.0.0", commit, signer.sign if thing == "tag" else lambda _content: b"")
    git = git_at(tmp_path)
    Repository(git, f"file://{repository.path}").clone(str(tmp_path / "clone"))

    def check(one):
        policy = policy_from({"gpg_fingerprints": [one.fingerprint], "gpg_keys": [one.public_key], "require": thing})
        signatures = Signatures(policy, git, deadline=Deadline(60), environment=dict(os.environ))
        return signatures.check(str(tmp_path / "clone"), commit, Resolved("tag", "v1.0.0"), "demo 1.0.0")

    assert check(signer) == signer.fingerprint
    with pytest.raises(Exception, match=f"{thing} .*: it is signed by the key .*, which is not in gpg_keys"):
        check(stranger)
