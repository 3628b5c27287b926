# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which adapter of registration a task gets: the one it asks for, else the best that there is, never silently none."""

from __future__ import annotations

import typing as t

from .._deadline import Deadline
from .._errors import DeadlineError, ForbiddenError, OptionError, RegistrationError, UnauthorisedError
from .._layout import entries
from .._secrets import Redactor
from .._task import Task
from .host import Host
from .registration_options import RegistrationOptions, registration_options_from

if t.TYPE_CHECKING:
    from .api_access import ApiAccess
    from .registrar import Registrar

    Chosen = t.Tuple[Registrar, t.List[str]]

# How long C(auto) waits for an API that does not answer, when there is another way.
_PATIENCE_SECONDS = 20.0
# Ends the advice to tasks that can do without.
OR_NONE = ", or set register=none if this is intended"


def registrar_for(task: Task, deadline: Deadline) -> Chosen:
    """What L(choose_registrar) gives for the options of a task.

    :raises RegistrationError, OptionError: as it does.
    """
    return choose_registrar(
        registration_options_from(task.params),
        task.host,
        environment=task.environment,
        deadline=deadline,
        redactor=task.redactor,
    )


def choose_registrar(
    options: RegistrationOptions,
    host: Host,
    *,
    environment: t.Mapping[str, str],
    deadline: Deadline,
    redactor: Redactor,
) -> Chosen:
    """The adapter for a task, and what its user should be warned of.

    C(auto) takes the API when there are credentials and it accepts them, else C(st2-register-content) where it is
    installed, else none. Credentials that the task itself gave are not passed over when StackStorm refuses them.
    Without credentials it neither asks the network nor imports what could.

    The trial of the API is the first question that every task has, which versions of packs the database has; the
    adapter remembers the answer.

    :arg environment: Of this process.
    :arg redactor: Gets to know every secret that is found.
    :raises RegistrationError: for C(register=api) that the API does not answer, C(register=local) without the
        program, and credentials of the task that StackStorm refuses.
    :raises OptionError: for values that cannot be used.
    """
    for secret in options.secrets():
        redactor.add(secret)
    if options.register == "none":
        return _none(), []
    if options.register == "local":
        from .local_registrar import PROGRAM, find_program

        program = find_program(host, environment)
        if program is None:
            raise RegistrationError(
                f"register=local requires {PROGRAM}, which is neither next to StackStorm's Python nor in PATH. "
                "Install StackStorm on this host, or set register=api."
            )
        return _local(program, host, environment, deadline, redactor), []
    if options.register == "api":
        from .api_access import find_access

        access = find_access(options, environment)
        return _api(access, host, environment, deadline, deadline, redactor), []
    return _auto(options, host, environment, deadline, redactor)


def _auto(
    options: RegistrationOptions,
    host: Host,
    environment: t.Mapping[str, str],
    deadline: Deadline,
    redactor: Redactor,
) -> Chosen:
    warnings: t.List[str] = []
    access = _access_or_warning(options, environment, warnings)
    if access:
        patience = Deadline(min(_PATIENCE_SECONDS, deadline.remaining()))
        try:
            return _api(access, host, environment, deadline, patience, redactor), warnings
        except (RegistrationError, DeadlineError) as error:
            deadline.check("StackStorm's API was being asked")
            if isinstance(error, (UnauthorisedError, ForbiddenError)) and options.has_credentials():
                raise
            warnings.append(f"StackStorm's API is not used, with credentials from {access.origin}: {error.message}")
    from .local_registrar import PROGRAM, find_program

    program = find_program(host, environment)
    if program is not None:
        return _local(program, host, environment, deadline, redactor), warnings
    why = "StackStorm's API cannot be used" if warnings else "there are no credentials for StackStorm's API"
    warnings.append(
        f"Nothing is registered in StackStorm: {why}, and {PROGRAM} is not installed here. Set api_key, auth_token, "
        f"or api_username and api_password{OR_NONE}."
    )
    return _none(), warnings


def _none() -> Registrar:
    from .no_registrar import NoRegistrar

    return NoRegistrar()


def _access_or_warning(
    options: RegistrationOptions, environment: t.Mapping[str, str], warnings: t.List[str]
) -> t.Optional[ApiAccess]:
    """Where the API is, when there are credentials. What the task itself says must be right; what it is not to blame
    for is warned of."""
    from .api_access import find_access

    try:
        return find_access(options, environment) or None
    except OptionError as error:
        if options.api_url or options.auth_url or options.secrets():
            raise
        warnings.append(f"StackStorm's API is not used: {error.message}")
        return None


def _api(
    access: ApiAccess,
    host: Host,
    environment: t.Mapping[str, str],
    deadline: Deadline,
    patience: Deadline,
    redactor: Redactor,
) -> Registrar:
    """The API's adapter, when it answers with these credentials."""
    from .api_access import open_client
    from .api_registrar import ApiRegistrar, list_versions

    client = open_client(access, environment=environment, deadline=deadline, patience=patience, redactor=redactor)
    trial = client.with_deadline(patience)
    try:
        known = list_versions(trial, expected=sum(len(entries(path)) for path in host.packs_base_paths))
    finally:
        trial.close()
    return ApiRegistrar(client, host, redactor, known=known)


def _local(
    program: str, host: Host, environment: t.Mapping[str, str], deadline: Deadline, redactor: Redactor
) -> Registrar:
    from .local_registrar import LocalRegistrar

    return LocalRegistrar(program, host, environment=environment, deadline=deadline, redactor=redactor)
