# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The errors of StackStorm's REST API, told apart by status (st2common/middleware/error_handling.py)."""

from __future__ import annotations

import re
import typing as t

from .._errors import (
    ForbiddenError,
    GatewayTimeoutError,
    InvalidContentError,
    MissingError,
    RegistrationError,
    ServerError,
    UnauthorisedError,
    UnexpectedAnswerError,
)
from .._secrets import Redactor
from .error_text import error_text

# st2common/exceptions/rbac.py ResourceTypeAccessDeniedError and its neighbours.
_PERMISSION = re.compile(r'required permission "(?P<permission>\w+)"(?: on resource "(?P<resource>[^"]+)")?')
_OF_PACKS = "on the resource pack:packs, or on that action"
_TO_FOLLOW = f"action_execute and action_view {_OF_PACKS}"
# What can be granted for a permission that StackStorm names, where that is not the same. An execution is seen and
# stopped by whom its action lets (st2rbac_backend/resolvers.py ExecutionPermissionsResolver), and all that is run here
# are actions of StackStorm's own pack "packs". Who installs runs one of them (st2api/controllers/v1/packs.py), and
# packs.load calls the API as that user (contrib/packs/actions/pack_mgmt/register.py).
_GRANTS = {
    "action_view": f"action_view {_OF_PACKS}",
    "execution_view": f"action_view {_OF_PACKS}",
    "execution_stop": f"action_execute {_OF_PACKS}",
    "action_execute": _TO_FOLLOW,
    "pack_install": f"pack_install and pack_register, and {_TO_FOLLOW}",
    "pack_uninstall": f"pack_uninstall, and {_TO_FOLLOW}",
}
_GATEWAY = (502, 503, 504)
# st2common/router.py, of a request without any.
_NO_CREDENTIALS = "One of Token or API key required"


def error_of(status: int, words: str, asked: str, url: str, redactor: Redactor) -> RegistrationError:
    """The error for an answer of 400 and above.

    :arg words: StackStorm's C(faultstring); empty when it was not StackStorm that answered.
    :arg asked: Method and path.
    """
    told = redactor.text(error_text(words)).rstrip(".")
    if status == 403:
        return _forbidden(told, asked, _PERMISSION.search(words))
    known = {400: _invalid, 401: _unauthorised, 404: _missing, 500: _broken}
    if status in known:
        return known[status](told, asked, url)
    if status in _GATEWAY:
        return GatewayTimeoutError(
            f"The server in front of StackStorm at {url} answers {asked} with status {status}. StackStorm may still "
            "be processing it, or be down."
        )
    return UnexpectedAnswerError(f"StackStorm at {url} answers {asked} with status {status}{_colon(told)}.")


def _colon(told: str) -> str:
    return f": {told}" if told else ""


def _invalid(told: str, asked: str, url: str) -> RegistrationError:
    return InvalidContentError(f"StackStorm refuses {asked}{_colon(told)}.")


def _unauthorised(told: str, asked: str, url: str) -> RegistrationError:
    what = "requires credentials" if _NO_CREDENTIALS in told else "does not accept the credentials"
    return UnauthorisedError(
        f"StackStorm at {url} {what} for {asked}{_colon(told)}. Set api_key, auth_token, or api_username and "
        "api_password that are valid there."
    )


def _forbidden(told: str, asked: str, match: t.Optional[t.Match[str]]) -> RegistrationError:
    permission = match.group("permission") if match else ""
    return ForbiddenError(f"StackStorm forbids {asked}{_colon(told)}.{permission_advice(told)}", permission=permission)


def permission_advice(told: str) -> str:
    """A sentence (after a blank) with what an administrator can grant; empty where StackStorm names no permission."""
    match = _PERMISSION.search(told)
    if match is None:
        return ""
    permission, resource = match.group("permission"), match.group("resource")
    ours = permission in _GRANTS and (resource or "action:packs:").startswith(("action:packs:", "execution:"))
    where = f" on {resource}" if resource else ""
    return f" Grant the account the permission {_GRANTS[permission] if ours else f'{permission}{where}'}."


def _missing(told: str, asked: str, url: str) -> RegistrationError:
    return MissingError(f"StackStorm at {url} has nothing for {asked}{_colon(told)}. Is api_url correct?")


def _broken(told: str, asked: str, url: str) -> RegistrationError:
    return ServerError(f"StackStorm at {url} broke down over {asked}{_colon(told)}. See its log (st2api.log).")
