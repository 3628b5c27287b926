# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures of tags and commits by real keys of OpenSSH, in clones as they are made to install packs."""

from __future__ import annotations

import os
import shutil

import pytest
from infrastructure.repositories import run_git
from infrastructure.repositories.signed_objects import cat, set_branch, set_tag, signed_commit, signed_tag, write
from infrastructure.signing import Signer, missing_program

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._source.repository import Repository
from ansible_collections.stackstorm.st2.plugins.module_utils._source.signature_policy import policy_from
from ansible_collections.stackstorm.st2.plugins.module_utils._source.signatures import Signatures
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at, releases

pytestmark = pytest.mark.skipif(bool(missing_program()), reason=missing_program())
TAG = Resolved("tag", "v1.0.0", "1.0.0")
MAIN = Resolved("default", "main")
COMMIT = Resolved("commit", "")


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return Signer(tmp_path_factory.mktemp("signer"), "release@example.com")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Signer(tmp_path_factory.mktemp("stranger"), "stranger@example.com")


def sign_by(someone, namespace="git"):
    return lambda content: someone.sign(content, namespace)


class Place:
    """A repository, and what is checked in clones of it."""

    def __init__(self, directory):
        self.directory = directory
        self.repository = releases(directory / "demo.git", "demo", "1.0.0", "2.0.0")
        self.path = self.repository.path
        self.commit = self.repository.sha("v1.0.0")
        self._number = 0

    def check(self, resolved=TAG, commit=None, environment=None, **option):
        """Who vouches for a commit in a fresh clone."""
        git = git_at(self.directory)
        self._number += 1
        clone = self.directory / f"clone-{self._number}"
        Repository(git, f"file://{self.path}").clone(str(clone))
        return self.check_in(clone, resolved, commit, environment, **option)

    def check_in(self, clone, resolved=TAG, commit=None, environment=None, **option):
        git = git_at(self.directory)
        policy = policy_from(option)
        signatures = Signatures(policy, git, deadline=Deadline(30), environment=environment or dict(os.environ))
        try:
            return signatures.check(str(clone), commit or self.commit, resolved, "demo 1.0.0 from there")
        finally:
            left = [name for name in os.listdir(git.scratch) if not name.startswith(("gitconfig", "gnupg"))]
            assert left == [], "what was written to check is gone"

    def refused(self, *arguments, **option):
        with pytest.raises(SourceError) as caught:
            self.check(*arguments, **option)
        assert caught.value.step == "signature"
        assert caught.value.message.startswith("demo 1.0.0 from there is refused, as verify_signature asks for ")
        assert "Nothing was changed." in caught.value.message
        return caught.value.message


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.mark.parametrize("require", ["tag", "either", None])
@pytest.mark.parametrize("resolved", [TAG, COMMIT])
def test_a_signed_tag(place, signer, require, resolved):
    signed_tag(place.path, "v1.0.0", place.commit, sign_by(signer))
    assert place.check(resolved, allowed_signers=[signer.line], require=require) == "release@example.com"


def test_git_takes_these_signatures_too(place, signer):
    signed_tag(place.path, "v1.0.0", place.commit, sign_by(signer))
    commit = signed_commit(place.path, place.commit, sign_by(signer))
    allowed = place.directory / "allowed"
    allowed.write_text(f"{signer.line}\n")
    version = tuple(map(int, run_git("--version").split()[2].split(".")[:2]))
    if version < (2, 34):
        pytest.skip("this git knows no signatures of SSH")
    for words in (("verify-tag", "v1.0.0"), ("verify-commit", commit)):
        run_git("-C", place.path, "-c", f"gpg.ssh.allowedSignersFile={allowed}", *words)


@pytest.mark.parametrize("require", ["commit", "either"])
@pytest.mark.parametrize("resolved", [TAG, MAIN, COMMIT, Resolved("branch", "dev")])
def test_a_signed_commit(place, signer, require, resolved):
    commit = signed_commit(place.path, place.commit, sign_by(signer))
    set_tag(place.path, "v1.0.0", commit)
    set_branch(place.path, "dev", commit)
    option = {"allowed_signers": [f"# people\n{signer.line}\n"], "require": require}
    assert place.check(resolved, commit, **option) == signer.name


def test_a_signed_commit_under_an_unsigned_tag(place, signer):
    commit = signed_commit(place.path, place.commit, sign_by(signer))
    set_tag(place.path, "v1.0.0", commit)
    message = place.refused(TAG, commit, allowed_signers=[signer.line], require="tag")
    assert "a signed tag by one of those in allowed_signers. The tag v1.0.0 is a lightweight one" in message


def test_a_signed_tag_of_an_unsigned_commit(place, signer):
    signed_tag(place.path, "v1.0.0", place.commit, sign_by(signer))
    message = place.refused(allowed_signers=[signer.line], require="commit")
    assert (
        f"for a signed commit by one of those in allowed_signers. The commit {place.commit} is not signed." in message
    )


@pytest.mark.parametrize("require", ["tag", "commit", "either"])
def test_what_is_not_signed(place, signer, require):
    message = place.refused(allowed_signers=[signer.line], require=require)
    assert ("The tag v1.0.0 is a lightweight one, which can hold no signature." in message) == (require != "commit")
    assert (f"The commit {place.commit} is not signed." in message) == (require != "tag")
    signed_tag(place.path, "v1.0.0", place.commit, lambda _content: b"")
    message = place.refused(allowed_signers=[signer.line], require=require)
    assert ("The tag v1.0.0 is not signed." in message) == (require != "commit")


def test_what_branches_are_no_tag_says(place, signer):
    signed_tag(place.path, "v1.0.0", place.commit, sign_by(signer))
    for resolved, words in ((MAIN, "the default branch"), (Resolved("branch", "dev"), "the branch dev")):
        message = place.refused(resolved, allowed_signers=[signer.line], require="tag")
        assert f"It is what {words} is now, which no tag says" in message


def test_a_commit_that_no_tag_leads_to(place, signer):
    commit = signed_commit(place.path, place.commit, lambda _content: b"x\n")
    set_branch(place.path, "dev", commit)
    assert f"No tag leads to the commit {commit}." in place.refused(
        COMMIT, commit, allowed_signers=[signer.line], require="tag"
    )


def test_another_signer_is_named_by_the_key(place, signer, stranger):
    signed_tag(place.path, "v1.0.0", place.commit, sign_by(stranger))
    message = place.refused(allowed_signers=[signer.line], require="tag")
    assert "The tag v1.0.0: it is signed by the key SHA256:" in message
    assert "which allowed_signers does not name." in message and "name them in verify_signature" in message
    assert place.check(allowed_signers=[signer.line, stranger.line]) == stranger.name


def test_a_signature_for_something_else_does_not_count(place, signer):
    signed_tag(place.path, "v1.0.0", place.commit, sign_by(signer, "file"))
    assert "Its signature is wrong".lower() in place.refused(allowed_signers=[signer.line]).lower()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('namespaces="st2-index"', "not permitted"),
        ('valid-before="20200101"', "expired"),
        ('valid-after="20990101"', "not yet valid"),
    ],
)
def test_what_a_line_says_of_its_key_holds(place, signer, options, words):
    signed_tag(place.path, "v1.0.0", place.commit, sign_by(signer))
    assert words in place.refused(allowed_signers=[f"{signer.name} {options} {signer.public_key}"])
    line = f'{signer.name} namespaces="git" {signer.public_key}'
    assert place.check(allowed_signers=[line]) == signer.name


def test_a_signed_tag_under_another_name(place, signer):
    """Plain git verifies it."""
    signed_tag(place.path, "v2.0.0", place.commit, sign_by(signer), own_name="v1.0.0")
    resolved = Resolved("tag", "v2.0.0", "2.0.0")
    message = place.refused(resolved, allowed_signers=[signer.line])
    assert "The tag v2.0.0 is in truth the tag v1.0.0, which somebody has put in its place." in message


def test_a_signed_tag_of_another_commit(place, signer):
    other = place.repository.sha("v2.0.0")
    signed_tag(place.path, "v1.0.0", other, sign_by(signer))
    message = place.refused(allowed_signers=[signer.line])
    assert f"The tag v1.0.0 leads to the commit {other}, and not to {place.commit}." in message


@pytest.mark.parametrize("forged", ["object", "tag", "message"])
def test_a_tag_that_was_altered(place, signer, forged):
    identifier = signed_tag(place.path, "v1.0.0", place.repository.sha("v2.0.0"), sign_by(signer), own_name="v7.0.0")
    content = cat(place.path, identifier)
    if forged == "message":
        content = content.replace(b"\n\nRelease", b"\n\nA release")
    content = content.replace(place.repository.sha("v2.0.0").encode(), place.commit.encode())
    content = content.replace(b"tag v7.0.0", b"tag v1.0.0")
    set_tag(place.path, "v1.0.0", write(place.path, "tag", content))
    assert "its signature is wrong" in place.refused(allowed_signers=[signer.line])


def test_a_commit_that_was_altered(place, signer):
    content = cat(place.path, signed_commit(place.path, place.commit, sign_by(signer)))
    commit = write(place.path, "commit", content.replace(b"\n\ndemo", b"\n\ndemonstration"))
    set_branch(place.path, "dev", commit)
    message = place.refused(Resolved("branch", "dev"), commit, allowed_signers=[signer.line])
    assert f"The commit {commit}: its signature is wrong" in message


def test_of_two_signatures_of_a_commit_none_counts(place, signer):
    commit = signed_commit(place.path, place.commit, sign_by(signer), times=2)
    set_branch(place.path, "dev", commit)
    message = place.refused(Resolved("branch", "dev"), commit, allowed_signers=[signer.line])
    assert f"The commit {commit} is not signed." in message


def test_a_signed_tag_of_a_tag(place, signer):
    inner = signed_tag(place.path, "inner", place.commit, lambda _content: b"")
    signed_tag(place.path, "v1.0.0", inner, sign_by(signer), kind="tag")
    assert place.check(allowed_signers=[signer.line], require="tag") == signer.name


def test_an_unsigned_tag_of_a_signed_tag(place, signer):
    inner = signed_tag(place.path, "inner", place.commit, sign_by(signer))
    signed_tag(place.path, "v1.0.0", inner, lambda _content: b"", kind="tag")
    assert "The tag v1.0.0 is not signed." in place.refused(allowed_signers=[signer.line], require="tag")


@pytest.mark.parametrize("head", ["-----BEGIN PGP MESSAGE-----", "-----BEGIN SIGNED MESSAGE-----"])
def test_signatures_of_other_kinds(place, signer, head):
    signed_tag(place.path, "v1.0.0", place.commit, lambda _content: f"{head}\nx\n".encode())
    message = place.refused(allowed_signers=[signer.line], require="tag")
    assert "The tag v1.0.0 has a signature that is neither one of SSH nor one of GnuPG." in message


def test_a_message_that_looks_like_a_signature(place, signer):
    """Git takes what begins at the last such line, and so is the text before it what is signed."""
    fake = "Release\n-----BEGIN SSH SIGNATURE-----\nnone\n-----END SSH SIGNATURE-----"
    signed_tag(place.path, "v1.0.0", place.commit, sign_by(signer), message=fake)
    assert place.check(allowed_signers=[signer.line]) == signer.name
    signed_tag(place.path, "v1.0.0", place.commit, lambda _content: b"", message=fake)
    assert "The tag v1.0.0: " in place.refused(allowed_signers=[signer.line], require="tag")


def test_signers_of_the_other_kind_alone(place, signer):
    signed_tag(place.path, "v1.0.0", place.commit, sign_by(signer))
    message = place.refused(gpg_fingerprints=["A" * 40], require="tag")
    assert "The tag v1.0.0 is signed by a key of SSH, and verify_signature has no allowed_signers." in message


def test_an_enormous_tag(place, signer):
    signed_tag(place.path, "v1.0.0", place.commit, lambda _content: b"", message="x" * (5 << 20))
    with pytest.raises(SourceError, match="has more than 4 MiB, which none needs"):
        place.check(allowed_signers=[signer.line])


@pytest.mark.parametrize("evil", ["--batch", "ref: refs/heads/main", "\x00", "A" * 40, ""])
def test_refs_that_mean_harm(place, signer, evil):
    # The clone is one that others may write, as an installed pack is.
    clone = place.directory / "clone"
    Repository(git_at(place.directory), f"file://{place.path}").clone(str(clone))
    (clone / ".git" / "refs" / "tags").mkdir(parents=True, exist_ok=True)
    (clone / ".git" / "refs" / "tags" / "v1.0.0").write_text(evil)
    (clone / ".git" / "packed-refs").write_text(f"{evil} refs/tags/v1.0.0\n")
    with pytest.raises(SourceError, match=r"The tag v1\.0\.0 is not there"):
        place.check_in(clone, allowed_signers=[signer.line])


def test_settings_of_the_repository_do_not_count(place, signer, stranger):
    signed_tag(place.path, "v1.0.0", place.commit, sign_by(stranger))
    clone = place.directory / "clone"
    Repository(git_at(place.directory), f"file://{place.path}").clone(str(clone))
    (clone / "allowed").write_text(f"{signer.name} {stranger.public_key}\n")
    for setting in (
        ("gpg.ssh.allowedSignersFile", str(clone / "allowed")),
        ("gpg.ssh.program", "/bin/true"),
        ("gpg.program", "/bin/true"),
        ("core.fsmonitor", f"touch {place.directory}/ran"),
    ):
        run_git("-C", clone, "config", *setting)
    with pytest.raises(SourceError, match="which allowed_signers does not name"):
        place.check_in(clone, allowed_signers=[signer.line], require="tag")
    assert not (place.directory / "ran").exists()


@pytest.mark.parametrize("program", ["ssh-keygen", "gpg"])
def test_a_program_that_is_not_there(place, signer, tmp_path, program):
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "git").symlink_to(shutil.which("git"))
    kind = "SSH" if program == "ssh-keygen" else "PGP"
    head = f"-----BEGIN {kind} SIGNATURE-----\n".encode()
    signed_tag(place.path, "v1.0.0", place.commit, lambda _content: head)
    option = {"allowed_signers": [signer.line], "gpg_fingerprints": ["A" * 40]}
    with pytest.raises(OptionError, match=f"needs the program {program}, which is not on this host: install"):
        place.check(environment={"PATH": str(tools)}, **option)


def test_an_ssh_keygen_that_is_too_old(place, signer, tmp_path):
    signed_tag(place.path, "v1.0.0", place.commit, sign_by(signer))
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "ssh-keygen").write_text("#!/bin/sh\necho 'unknown option -- Y' >&2\nexit 1\n")
    (tools / "ssh-keygen").chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    message = place.refused(environment=environment, allowed_signers=[signer.line], require="tag")
    assert "the ssh-keygen of this host is older than OpenSSH 8.2" in message
