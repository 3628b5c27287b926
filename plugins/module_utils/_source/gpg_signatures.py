# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Signatures of GnuPG: which of the keys that a task names has made one.

C(gpg) works in a home of its own, with the keys of the task alone: neither the account's settings nor its trust count,
no server is asked for a key, and no agent is left behind.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t

from .._errors import OptionError
from .._process import Completed, last_lines, run
from .ssh_signatures import UntrustedError

if t.TYPE_CHECKING:
    from .._deadline import Deadline

HEADER = b"-----BEGIN PGP SIGNATURE-----"
_PROGRAM = "gpg"
_ALONE = ("--batch", "--no-tty", "--no-options", "--no-autostart", "--no-auto-key-retrieve", "--disable-dirmngr")
_STATUS = "[GNUPG:] "
# What makes a signature worthless although it may be one of the right key (doc/DETAILS of GnuPG).
_WORTHLESS = {
    "BADSIG": "does not fit what it is said to sign",
    "EXPSIG": "is no longer valid, as the time that its maker gave it is over",
    "EXPKEYSIG": "is by a key that has expired",
    "REVKEYSIG": "is by a key that was revoked",
    "ERRSIG": "cannot be checked",
}


class GpgKeys:
    """The keys whose signatures count, to be closed.

    :arg fingerprints: Of primary keys, whose subkeys count too, or of subkeys; 40 or 64 capital digits.
    :arg keys: Armoured public keys; without any, the account's keys of these fingerprints are taken.
    :arg scratch: A private directory of the task.
    :arg environment: Of this process.
    :raises OptionError: when there is no C(gpg), or the keys are none.
    """

    def __init__(
        self,
        fingerprints: t.Sequence[str],
        keys: t.Sequence[str],
        *,
        scratch: str,
        environment: t.Mapping[str, str],
        deadline: Deadline,
    ) -> None:
        program = shutil.which(_PROGRAM, path=environment.get("PATH", os.defpath))
        if program is None:
            raise OptionError(
                f"gpg_fingerprints needs the program {_PROGRAM}, which is not on this host: install GnuPG (gnupg, "
                "gnupg2)."
            )
        self._program = program
        self._fingerprints = frozenset(fingerprints)
        self._environment = {**environment, "LC_ALL": "C"}
        self._home = tempfile.mkdtemp(prefix="gnupg-", dir=scratch)
        self._given = bool(keys)
        for number, key in enumerate(keys):
            self._import(key.encode("utf-8", "surrogateescape"), deadline, f"Item {number} of gpg_keys")
        if not keys:
            exported = self._export(fingerprints, deadline)
            if exported:
                self._import(exported, deadline, "What the account's keyring has of gpg_fingerprints")

    def close(self) -> None:
        """Remove the home, and the keys with it."""
        shutil.rmtree(self._home, ignore_errors=True)

    def signer(self, content: bytes, signature: bytes, deadline: Deadline) -> str:
        """The fingerprint of the primary key that signed some content.

        :raises UntrustedError: when none of those whom the task names did.
        :raises DeadlineError: when it takes too long.
        """
        path = self._file("signature", signature)
        with open(self._file("signed", content), "rb") as stream:
            done = self._run(
                deadline, "--trust-model", "always", "--status-fd", "1", "--verify", "--", path, "-", stdin=stream
            )
        reasons: t.List[str] = []
        for statuses in _signatures(done.stdout):
            signer, reason = self._judge(statuses)
            if signer:
                return signer
            reasons.append(reason)
        raise UntrustedError("; ".join(reasons) or f"Its signature cannot be read ({last_lines(done.stderr, 200)}).")

    def _judge(self, statuses: t.Mapping[str, t.Sequence[str]]) -> t.Tuple[str, str]:
        """The signer of one signature, or what is wrong with it."""
        valid = statuses.get("VALIDSIG", ())
        names = [valid[0], valid[9]] if len(valid) > 9 else list(valid[:1])
        key = names[-1] if names else (statuses.get("NO_PUBKEY") or statuses.get("ERRSIG") or ("?",))[0]
        worthless = next((why for word, why in _WORTHLESS.items() if word in statuses), "")
        if "NO_PUBKEY" in statuses:
            where = "gpg_keys" if self._given else "the keyring of the account"
            return "", f"It is signed by the key {key}, which is not in {where}, so that it cannot be checked."
        if worthless or "GOODSIG" not in statuses or not names:
            return "", f"Its signature, said to be of the key {key}, {worthless or 'is none that counts'}."
        if not self._fingerprints.intersection(names):
            return "", f"It is signed by the key {key}, which gpg_fingerprints does not name."
        return key, ""

    def _import(self, keys: bytes, deadline: Deadline, what: str) -> None:
        done = self._run(deadline, "--status-fd", "1", "--import", "--", self._file("keys", keys))
        if f"{_STATUS}IMPORT_OK " not in done.stdout:
            raise OptionError(f"{what} cannot be taken as a public key: {last_lines(done.stderr, 200).rstrip('.')}.")

    def _export(self, fingerprints: t.Sequence[str], deadline: Deadline) -> bytes:
        """The account's own keys."""
        home = self._environment.get("GNUPGHOME") or os.path.join(self._environment.get("HOME", "/root"), ".gnupg")
        if not os.path.isdir(home):
            return b""  # gpg would make it.
        with tempfile.TemporaryFile(dir=self._home) as answer:
            run(
                [self._program, "--homedir", home, "--batch", "--no-tty", "--export", "--", *fingerprints],
                deadline=deadline,
                environment=self._environment,
                check=False,
                answer=answer,
            )
            answer.seek(0)
            return answer.read()

    def _file(self, name: str, content: bytes) -> str:
        """A file in the home, which only this account may enter."""
        path = os.path.join(self._home, name)
        with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
            stream.write(content)
        return path

    def _run(self, deadline: Deadline, *arguments: str, stdin: t.Optional[t.IO[bytes]] = None) -> Completed:
        return run(
            [self._program, "--homedir", self._home, *_ALONE, *arguments],
            deadline=deadline,
            environment=self._environment,
            cwd=self._home,
            check=False,
            stdin=stdin,
        )


def _signatures(status: str) -> t.List[t.Dict[str, t.List[str]]]:
    """What C(gpg) says of each signature, by keyword; nothing of what is no detached signature, as that would be one of
    other content than was given."""
    found: t.List[t.Dict[str, t.List[str]]] = []
    for line in status.splitlines():
        if not line.startswith(_STATUS):
            continue
        word, *rest = line[len(_STATUS) :].split(" ")
        if word == "PLAINTEXT":
            return []
        if word == "NEWSIG" or not found:
            found.append({})
        found[-1][word] = rest
    return found
