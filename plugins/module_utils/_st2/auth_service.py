# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""StackStorm's auth service, which gives tokens for a name and a password. Keys and tokens do not need it."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from .._errors import InvalidContentError, OptionError, UnexpectedAnswerError
from .api_access import check_url
from .api_client import ApiClient
from .client_config import ClientConfig
from .registration_options import RegistrationOptions

# st2client/client.py
_AUTH_PORT = 9100


def find_auth_url(
    options: RegistrationOptions, environment: t.Mapping[str, str], config: ClientConfig, api_url: str
) -> str:
    """The URL of the auth service; empty for one that is none. L(require_auth_url) complains of that."""
    text = _auth_url_text(options, environment, config, api_url)
    try:
        # Userinfo in it would be for the auth service alone, which gets the account's own name and password.
        return check_url("auth_url", text)[0]
    except OptionError:
        return ""


def _auth_url_text(
    options: RegistrationOptions, environment: t.Mapping[str, str], config: ClientConfig, api_url: str
) -> str:
    if options.auth_url:
        return options.auth_url
    if options.api_url:
        # The task names another StackStorm than this account's own, so the auth service is beside that one.
        return _auth_beside(api_url)
    for url, base in (
        (environment.get("ST2_AUTH_URL"), environment.get("ST2_BASE_URL")),
        (config.get("auth", "url"), config.get("general", "base_url")),
    ):
        if url or base:
            return url or f"{(base or '').rstrip('/')}:{_AUTH_PORT}"
    return _auth_beside(api_url)


def _auth_beside(api_url: str) -> str:
    """The auth service that goes with an API: C(/auth) beside C(/api), as nginx has it, else port 9100."""
    parts = urlsplit(api_url)
    before, api, _more = parts.path.partition("/api")
    host = parts.hostname or ""
    if api:
        return f"{parts.scheme}://{parts.netloc}{before}/auth"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{_AUTH_PORT}"


def require_auth_url(auth_url: str) -> None:
    """:raises OptionError: when there is none."""
    if not auth_url:
        raise OptionError(
            "auth_url is not a URL that StackStorm could have, and an account with a password gets a token there. It "
            "takes http://HOST:PORT/PATH or https://HOST/PATH. Or give api_key, which needs none."
        )


def get_token(auth: ApiClient, seconds: int) -> str:
    """A new token that lives so long.

    :arg auth: For the auth service, with name and password.
    :raises RegistrationError: when it gives none.
    """
    try:
        answer = auth.post("/tokens", {"ttl": seconds}, changes=False)
    except InvalidContentError:
        # The server allows no token to live that long ([auth] token_ttl; st2auth/handlers.py).
        answer = auth.post("/tokens", {}, changes=False)
    token = answer.get("token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token:
        raise UnexpectedAnswerError(f"The auth service at {auth.url} returns no token. Set the right auth_url.")
    return token
