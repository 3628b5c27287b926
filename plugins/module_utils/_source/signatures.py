# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Signatures of tags and commits: whether somebody whom the task names vouches for what was fetched.

A signature is one of a text. Git itself would take the signed tag C(v2.0.0) under the name C(v9.9.9), as it does not
compare the name in that text with the one that was asked for; here both are, and the commit that it leads to. The
objects are read by C(git cat-file), and checked by C(ssh-keygen) and C(gpg): any git will do, and no setting of a
repository or an account counts.
"""

from __future__ import annotations

import os
import re
import tempfile
import typing as t

from .._content.working_copy import WorkingCopy
from .._errors import SourceError
from .._printable import printable
from .object_store import object_store
from .ssh_signatures import HEADER as SSH
from .ssh_signatures import AllowedSigners, UntrustedError

if t.TYPE_CHECKING:
    from .._content.origin import Resolved
    from .._deadline import Deadline
    from .git_program import Git
    from .gpg_signatures import GpgKeys
    from .signature_policy import Policy

STEP = "signature"
_NAMESPACE = "git"
_PGP = b"-----BEGIN PGP SIGNATURE-----"
_OTHERS = (b"-----BEGIN PGP MESSAGE-----", b"-----BEGIN SIGNED MESSAGE-----")
_ON_COMMITS = (b"gpgsig", b"gpgsig-sha256")
_LARGEST = 4 << 20
_IDENTIFIER = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")


class Signatures:
    """Checks what was fetched by one policy. To be closed, as keys are written to files for it.

    :arg git: Whose scratch directory is private to the task.
    :arg environment: For C(ssh-keygen) and C(gpg).
    :arg option: What names those whose SSH keys count.
    """

    def __init__(
        self,
        policy: Policy,
        git: Git,
        *,
        deadline: Deadline,
        environment: t.Mapping[str, str],
        option: str = "allowed_signers",
    ) -> None:
        self._policy = policy
        self._option = option
        self._git = git
        self._deadline = deadline
        self._environment = environment
        self._ssh: t.Optional[AllowedSigners] = None
        self._gpg: t.Optional[GpgKeys] = None

    def check(self, directory: str, commit: str, resolved: Resolved, what: str) -> str:
        """Who vouches for a commit in a working copy: the name of an SSH signer, or the fingerprint of a GnuPG key.

        :arg directory: It holds C(.git), of which only objects and refs are read.
        :arg resolved: What the version came to. A tag that was asked for is the only one that counts; of a commit, any
            tag of it. What a branch is nobody has signed, but its commit may be.
        :arg what: The pack and where it is from, to be said in the error.
        :raises SourceError: when nobody does, naming who signed, who should have, and what to do.
        :raises OptionError: when signatures cannot be checked on this host.
        """
        working_copy = WorkingCopy(directory)
        reasons: t.List[str] = []
        if self._policy.require != "commit":
            names = [resolved.name] if resolved.kind == "tag" else []
            if resolved.kind == "commit":
                names = working_copy.tags_at(commit)
            elif resolved.kind != "tag":
                reasons.append(_no_tag(resolved))
            for name in names:
                signer, reason = self.tag(working_copy, name, commit)
                if signer:
                    return signer
                reasons.append(reason)
            if resolved.kind == "commit" and not names:
                reasons.append(f"No tag leads to the commit {commit}.")
        if self._policy.require != "tag":
            signer, reason = self._commit(working_copy, commit)
            if signer:
                return signer
            reasons.append(reason)
        raise SourceError(
            f"{what} is refused, as verify_signature asks for {self._asked()}. {' '.join(reasons)} Nothing was "
            "changed. Ask for a version that is signed so, or, if you trust who signed it, name them in "
            "verify_signature.",
            step=STEP,
        )

    def close(self) -> None:
        """Remove what was written to check signatures."""
        if self._gpg:
            self._gpg.close()
        self._gpg = None

    def _asked(self) -> str:
        thing = {"tag": "a signed tag", "commit": "a signed commit", "either": "a signed tag or commit"}
        options = [name for name in ("allowed_signers", "gpg_fingerprints") if getattr(self._policy, name)]
        return f"{thing[self._policy.require]} by one of those in {' or '.join(options)}"

    def tag(self, working_copy: WorkingCopy, name: str, commit: str) -> t.Tuple[str, str]:
        """Who signed a tag, or an empty string and why it does not vouch for a commit.

        :raises SourceError: when it is too large to be one.
        """
        the_tag = f"The tag {printable(name)}"
        identifier = _ref(working_copy, f"refs/tags/{name}")
        with object_store(self._git, working_copy.git_directory, commit) as environment:
            kind = self._ask(environment, "cat-file", "-t", identifier or "0" * len(commit))
            if kind == "commit":
                return "", f"{the_tag} is a lightweight one, which can hold no signature."
            if kind != "tag":
                return "", f"{the_tag} is not there."
            content = self._object(environment, "tag", identifier)
            leads_to = self._ask(environment, "rev-parse", "--verify", "--quiet", f"{identifier}^{{commit}}")
        text, signature = _signed_tag(content)
        own_name = _header(text, b"tag")
        if own_name != name.encode("utf-8", "surrogateescape"):
            shown = printable(own_name.decode("utf-8", "replace"))
            return "", f"{the_tag} is in truth the tag {shown}, which somebody has put in its place."
        if leads_to != commit:
            return "", f"{the_tag} leads to the commit {leads_to or 'of nothing'}, and not to {commit}."
        return self._judge(the_tag, text, signature)

    def _commit(self, working_copy: WorkingCopy, commit: str) -> t.Tuple[str, str]:
        """Who signed a commit, or why it vouches for nothing."""
        with object_store(self._git, working_copy.git_directory, commit) as environment:
            content = self._object(environment, "commit", commit)
        text, signature = _signed_commit(content, _ON_COMMITS[len(commit) == 64])
        return self._judge(f"The commit {commit}", text, signature)

    def _judge(self, thing: str, text: bytes, signature: bytes) -> t.Tuple[str, str]:
        if not signature:
            return "", f"{thing} is not signed."
        try:
            if signature.startswith(SSH) and self._policy.allowed_signers:
                return self._ssh_signers().signer(text, signature, _NAMESPACE, self._deadline), ""
            if signature.startswith(_PGP) and self._policy.gpg_fingerprints:
                return self._gpg_keys().signer(text, signature, self._deadline), ""
        except UntrustedError as error:
            return "", f"{thing}: {error.message[0].lower()}{error.message[1:]}"
        if signature.startswith(SSH):
            return "", f"{thing} is signed by a key of SSH, and verify_signature has no allowed_signers."
        if signature.startswith(_PGP):
            return "", f"{thing} is signed by a key of GnuPG, and verify_signature has no gpg_fingerprints."
        return "", f"{thing} has a signature that is neither one of SSH nor one of GnuPG."

    def _ssh_signers(self) -> AllowedSigners:
        if self._ssh is None:
            self._ssh = AllowedSigners(
                self._option,
                self._policy.allowed_signers,
                scratch=self._git.scratch,
                environment=self._environment,
            )
        return self._ssh

    def _gpg_keys(self) -> GpgKeys:
        if self._gpg is None:
            from .gpg_signatures import GpgKeys

            self._gpg = GpgKeys(
                self._policy.gpg_fingerprints,
                self._policy.gpg_keys,
                scratch=self._git.scratch,
                environment=self._environment,
                deadline=self._deadline,
            )
        return self._gpg

    def _ask(self, environment: t.Mapping[str, str], *arguments: str) -> str:
        return self._git(*arguments, environment=environment, check=False).stdout.strip()

    def _object(self, environment: t.Mapping[str, str], kind: str, identifier: str) -> bytes:
        """The bytes of an object.

        :raises SourceError: when it is larger than any message is.
        """
        with tempfile.TemporaryFile(dir=self._git.scratch) as answer:
            self._git(
                "cat-file", kind, identifier, environment=environment, check=False, answer=answer, most_written=_LARGEST
            )
            size = os.lseek(answer.fileno(), 0, os.SEEK_END)
            if size >= _LARGEST:
                raise SourceError(
                    f"The {kind} {identifier} has more than {_LARGEST >> 20} MiB, which none needs.", step=STEP
                )
            answer.seek(0)
            return answer.read()


def _no_tag(resolved: Resolved) -> str:
    branch = "the default branch" if resolved.kind == "default" else f"the branch {resolved.name}"
    return f"It is what {branch} is now, which no tag says; a version, a tag or a commit could be signed by one."


def _ref(working_copy: WorkingCopy, name: str) -> str:
    """What a ref is itself, and not what it leads to."""
    loose = working_copy.read(name).strip()
    lines = working_copy.read("packed-refs").splitlines()
    found = loose or next((line[: -len(name) - 1] for line in lines if line.endswith(f" {name}")), "")
    return found if _IDENTIFIER.match(found) else ""


def _header(text: bytes, key: bytes) -> bytes:
    """The value of a header of an object; empty for none."""
    for line in text.split(b"\n\n", 1)[0].split(b"\n"):
        if line.startswith(key + b" "):
            return line[len(key) + 1 :]
    return b""


def _signed_tag(content: bytes) -> t.Tuple[bytes, bytes]:
    """What of a tag is signed, and its signature, which begins at the last line that can begin one
    (gpg-interface.c parse_signed_buffer of git)."""
    start = length = 0
    found = len(content)
    while start < len(content):
        if content.startswith((SSH, _PGP, *_OTHERS), start):
            found = start
        length = content.find(b"\n", start) + 1
        start = length or len(content)
    return content[:found], content[found:]


def _signed_commit(content: bytes, key: bytes) -> t.Tuple[bytes, bytes]:
    """What of a commit is signed, and its signature (commit.c parse_signed_commit of git): all but the headers with
    signatures. A commit with two signatures has none that counts."""
    headers, blank, message = content.partition(b"\n\n")
    kept: t.List[bytes] = []
    signatures: t.List[t.List[bytes]] = []
    inside = ""
    for line in headers.split(b"\n"):
        name, _blank, value = line.partition(b" ")
        if not name and inside:
            if inside == "own":
                signatures[-1].append(value)
            continue
        inside = ""
        if name in _ON_COMMITS:
            inside = "own" if name == key else "other"
            if inside == "own":
                signatures.append([value])
            continue
        kept.append(line)
    signature = b"\n".join(signatures[0]) + b"\n" if len(signatures) == 1 else b""
    return b"\n".join(kept) + blank + message, signature
