# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The errors of the collection: one small tree, every message a sentence for the person who reads a play's output."""

from __future__ import annotations

import contextlib
import typing as t


class St2Error(Exception):
    """Base of everything the collection raises on purpose.

    :arg message: What was asked, what was found, what to do.
    :arg step: The step of the work that failed (C(fetch), C(validate), C(virtualenv), ...), if one did.
    :arg stderr: What a program that failed wrote, already free of secrets.
    :arg ref: The pack the error is about, if it is about one.
    """

    default_step: t.ClassVar[t.Optional[str]] = None

    def __init__(
        self, message: str, *, step: t.Optional[str] = None, stderr: str = "", ref: t.Optional[str] = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.step = step or self.default_step
        self.stderr = stderr
        self.ref = ref


class SeveralErrors(St2Error):
    """All that is wrong in one task.

    :arg errors: Two or more, each about something of its own.
    """

    def __init__(self, errors: t.Sequence[St2Error]) -> None:
        self.errors = tuple(one for error in errors for one in each_of(error))
        listed = " ".join(f"({number}) {error.message}" for number, error in enumerate(self.errors, 1))
        first = self.errors[0]
        stderr = next((error.stderr for error in self.errors if error.stderr), "")
        message = f"{len(self.errors)} things are wrong: {listed}"
        super().__init__(message, step=first.step, stderr=stderr, ref=first.ref)


def each_of(error: St2Error) -> t.Tuple[St2Error, ...]:
    """The errors that one error is made of, itself when it is of one piece."""
    return error.errors if isinstance(error, SeveralErrors) else (error,)


class Collected:
    """Errors of parts of a task that do not depend on each other, said at once."""

    def __init__(self) -> None:
        self._errors: t.List[St2Error] = []

    @contextlib.contextmanager
    def one(self, ref: t.Optional[str] = None) -> t.Iterator[None]:
        """Do one part. A library that is missing ends all: with another Python, everything may be different.

        :arg ref: The pack that it is about.
        """
        try:
            yield
        except MissingLibraryError:
            raise
        except St2Error as error:
            error.ref = error.ref or ref
            self._errors.append(error)

    def raise_them(self) -> None:
        """:raises St2Error: the one error that there was, or all in one."""
        if self._errors:
            raise self._errors[0] if len(self._errors) == 1 else SeveralErrors(self._errors)


class OptionError(St2Error):
    """An option of the task that cannot be used as it is."""

    default_step = "options"


class HostError(St2Error):
    """The StackStorm host cannot be read: C(st2.conf), a directory, a group."""

    default_step = "observe"


class MissingLibraryError(St2Error):
    """A Python library that the work needs is not importable here.

    :arg library: The name to install.
    """

    default_step = "options"

    def __init__(self, library: str, traceback: str = "") -> None:
        super().__init__(f"The Python library {library} is required and cannot be imported.")
        self.library = library
        self.traceback = traceback


class IndexError_(St2Error):
    """A pack index that cannot be read, or a pack that no index lists."""

    default_step = "index"


class SourceError(St2Error):
    """A pack source that cannot be fetched: transport, credentials, unknown version."""

    default_step = "fetch"


class InvalidPackError(St2Error):
    """A pack that must not be installed: metadata, content, escaping links, wrong ref, incompatible."""

    default_step = "validate"


class DependencyError(St2Error):
    """Dependencies that conflict, are missing, or would be broken by a removal."""

    default_step = "dependencies"


class ConfigError(St2Error):
    """A pack config that StackStorm would refuse, or that must not be overwritten."""

    default_step = "validate"


class VirtualenvError(St2Error):
    """A pack virtualenv that cannot be built."""

    default_step = "virtualenv"


class LockError(St2Error):
    """Another run holds the host's lock."""

    default_step = "lock"


class ApplyError(St2Error):
    """Files of the target could not be changed."""

    default_step = "apply"


class RegistrationError(St2Error):
    """StackStorm's database could not be told, or asked, of packs.

    Raised by a registration, it says what is known of each pack; packs in neither were not tried.

    :arg taken: The refs of the packs that StackStorm took.
    :arg refused: Those that it did not take, each with its reason. Part of them may be in the database all the same.
    """

    default_step = "register"
    taken: t.Tuple[str, ...] = ()
    refused: t.Mapping[str, str] = {}


class UnreachableError(RegistrationError):
    """Nothing answers where StackStorm should: no such host, connection refused, broken off."""


class TlsError(RegistrationError):
    """The server's certificate is not to be trusted, or it does not speak TLS."""


class UnauthorisedError(RegistrationError):
    """StackStorm does not accept the credentials, or there are none (401)."""


class ForbiddenError(RegistrationError):
    """The account may not do this (403).

    :arg permission: The RBAC permission that it lacks, such as C(pack_register); empty where StackStorm names none.
    """

    def __init__(self, message: str, *, permission: str = "", ref: t.Optional[str] = None) -> None:
        super().__init__(message, ref=ref)
        self.permission = permission


class MissingError(RegistrationError):
    """StackStorm does not have what was asked for (404)."""


class InvalidContentError(RegistrationError):
    """StackStorm refuses what a pack, a config or an override holds (400)."""


class ServerError(RegistrationError):
    """StackStorm broke down over a request (500)."""


class GatewayTimeoutError(RegistrationError):
    """The server in front of StackStorm lost patience, or lost StackStorm (502, 503, 504). The work may go on."""


class UnexpectedAnswerError(RegistrationError):
    """An answer that StackStorm does not give: a redirect, no JSON, another status."""


class VerifyError(St2Error):
    """What was read back is not what the plan promised."""

    default_step = "verify"


class RestartError(St2Error):
    """Services could not be restarted, or nobody can tell whether they may be."""

    default_step = "restart"


class DeadlineError(St2Error):
    """The time that the task was given is over."""

    default_step = "timeout"
