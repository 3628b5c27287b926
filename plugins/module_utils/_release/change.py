# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Make the tag of a release and push it. Until it is pushed, it only is in a repository of this run alone."""

from __future__ import annotations

import os
import typing as t

from .._errors import ApplyError, SourceError, VerifyError
from .._process import ProgramError
from .._secrets import strip_urls
from .._source.git_program import failure_reason, fetch_failure
from .published import find_tag

if t.TYPE_CHECKING:
    from .._source.git_program import Git
    from .signing import Signer
    from .working_copy import Checkout

_SHORT = 7


class Release:
    """The release of one commit.

    :arg branch: Of the remote, which is at the commit.
    :arg signer: Signs the tag, C(None) for none.
    """

    def __init__(self, git: Git, checkout: Checkout, *, branch: str, tag: str, signer: t.Optional[Signer]) -> None:
        self._git = git
        self._checkout = checkout
        self._branch = branch
        self._tag = tag
        self._signer = signer
        self._url = checkout.address.url
        self._repository = os.path.join(git.scratch, "release.git")
        self._identifier = ""

    def make(self, message: str, adopt: t.Optional[str]) -> None:
        """Make the tag in a repository of this run, which has no more than the commit.

        :arg adopt: Identifier of an annotated tag of the working copy that is taken as it is.
        :raises St2Error: when it cannot be made, is not signed by the key, or the branch has moved meanwhile.
        """
        self._fetch()
        if adopt:
            self._take(adopt)
        else:
            self._make(message)
        problem = None
        if self._signer:
            problem = self._signer.verify(self._repository, self._tag, self._checkout.head)
        if problem:
            where = f"that {self._checkout.path} has" if adopt else "that was made"
            hint = f" Remove it with git tag -d {self._tag}, and another one is made." if adopt else ""
            raise VerifyError(
                f"The tag {self._tag} {where} is not signed by signing_key: {problem.rstrip('.')}. Nothing was "
                f"pushed.{hint}",
                step="sign",
            )

    def push(self) -> bool:
        """Push the tag and look whether the remote has it. It is never moved.

        :returns: Whether it was this run that put it there; another one may have tagged the same commit meanwhile.
        :raises SourceError: when the remote refuses it.
        """
        refused: t.Optional[ProgramError] = None
        answer = ""
        try:
            answer = self._git(
                *("push", "--porcelain", "--atomic", "--no-verify", "--no-follow-tags", "--no-signed"),
                *("--recurse-submodules=no", "--", self._url),
                f"{self._checkout.head}:refs/heads/{self._branch}",
                f"refs/tags/{self._tag}:refs/tags/{self._tag}",
                cwd=self._repository,
                url=self._url,
            ).stdout
        except ProgramError as error:
            refused, answer = error, error.completed.stdout
        try:
            identifier, commit = find_tag(self._git, self._url, self._tag)
        except ProgramError as error:
            raise SourceError(
                f"Whether {self._shown} has the tag {self._tag} is not known, since it cannot be reached any more: "
                f"{failure_reason(error)}. Run this again.",
                step="push",
                stderr=(refused or error).stderr,
            ) from error
        if commit == self._checkout.head:
            # Two runs within one second make the same tag, and only one of them has put it there. Of a push that broke
            # off, nobody has said what became of it.
            said = {line[:2] for line in answer.splitlines()}
            return identifier == self._identifier and ("*\t" in said or (bool(refused) and "!\t" not in said))
        self._fail(commit, refused)

    def keep(self, old: t.Optional[str]) -> t.Optional[str]:
        """Put the tag into the working copy, too.

        :arg old: Identifier of the tag that it has there, never pushed and on the same commit.
        :returns: Why that was not done: C(git fetch) brings it as well.
        """
        if old == self._identifier:
            return None
        directory, path = self._checkout.git_directory, self._checkout.path
        if os.stat(directory).st_uid != os.geteuid():
            return f"{path} belongs to another account, so the tag was not added there. Run git fetch --tags to get it."
        try:
            self._copy_object(self._identifier, self._repository, path)
            self._git("update-ref", f"refs/tags/{self._tag}", self._identifier, old or "0" * 40, cwd=path)
        except (ProgramError, ApplyError) as error:
            return f"The tag was pushed, but not added to {path}: {error.message} Run git fetch --tags to get it."
        return None

    @property
    def _shown(self) -> str:
        return strip_urls(self._url)

    def _fetch(self) -> None:
        try:
            self._git(
                *("clone", "--quiet", "--bare", "--no-local", "--depth=1", "--single-branch", "--no-tags"),
                *("--template=", f"--branch={self._branch}", "--", self._url, self._repository),
                url=self._url,
            )
        except ProgramError as error:
            raise fetch_failure(self._shown, error) from error
        tip = self._git("rev-parse", "HEAD", cwd=self._repository).stdout.strip()
        if tip != self._checkout.head:
            raise SourceError(
                f"The branch {self._branch} of {self._shown} is at {tip[:_SHORT]} by now, and HEAD is "
                f"{self._checkout.head[:_SHORT]}: somebody pushed meanwhile. Nothing was tagged.",
                step="push",
            )

    def _make(self, message: str) -> None:
        path = os.path.join(self._git.scratch, "message")
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(message)
        name, email = self._checkout.tagger or ("", "")
        settings = self._signer.settings if self._signer else ()
        try:
            self._git(
                *(*settings, "tag", "--sign" if self._signer else "--no-sign", "--annotate", "--cleanup=whitespace"),
                *(f"--file={path}", "--", self._tag, self._checkout.head),
                cwd=self._repository,
                environment={"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": email},
            )
        except ProgramError as error:
            raise ApplyError(
                f"The tag {self._tag} cannot be created: {failure_reason(error)}. Nothing was pushed.",
                step="sign" if self._signer else "tag",
                stderr=error.stderr,
            ) from error
        self._identifier = self._git("rev-parse", f"refs/tags/{self._tag}", cwd=self._repository).stdout.strip()

    def _take(self, identifier: str) -> None:
        self._copy_object(identifier, self._checkout.path, self._repository)
        self._git("update-ref", f"refs/tags/{self._tag}", identifier, cwd=self._repository)
        self._identifier = identifier

    def _copy_object(self, identifier: str, source: str, target: str) -> None:
        """Copy one annotated tag from a repository to another."""
        text = self._git("cat-file", "tag", identifier, cwd=source).stdout
        path = os.path.join(self._git.scratch, "tag-object")
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            stream.write(text)
        # By its name it is known whether it came along unchanged, such as one that is not in UTF-8.
        copied = self._git("hash-object", "-t", "tag", "-w", "--no-filters", "--", path, cwd=target).stdout.strip()
        if copied != identifier:
            raise ApplyError(f"The tag {self._tag} of {source} is not one in UTF-8.", step="tag")

    def _fail(self, commit: t.Optional[str], refused: t.Optional[ProgramError]) -> t.NoReturn:
        head = self._checkout.head[:_SHORT]
        if commit:
            raise SourceError(
                f"The tag {self._tag} of {self._shown} is at {commit[:_SHORT]} by now, and HEAD is {head}: another "
                "release was faster. Nothing was pushed; a tag is never moved.",
                step="push",
                stderr=refused.stderr if refused else "",
            )
        if refused is None:
            raise VerifyError(
                f"{self._shown} took the tag {self._tag} but does not have it. Check the hooks of the server."
            )
        failure = fetch_failure(self._shown, refused, attempt="pushed to")
        failure.step = "push"
        failure.message += f" It does not have the tag {self._tag}, and nor does {self._checkout.path}."
        raise failure
