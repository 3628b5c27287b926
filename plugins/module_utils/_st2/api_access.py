# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Where StackStorm's API is and who we are there: by the task, the environment, or the config of the st2 client.

The names are those of the st2 client (st2client/client.py, base.py, config_parser.py), and so is the order that its
documentation promises.
"""

from __future__ import annotations

import base64
import os
import typing as t
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .._deadline import Deadline
from .._errors import OptionError
from .._secrets import Credentials, Redactor, split_userinfo
from .api_client import ApiClient
from .client_config import ClientConfig, read_client_config
from .proxy import resolve_proxy
from .registration_options import RegistrationOptions

# st2client/client.py
_DEFAULT_BASE_URL = "http://127.0.0.1"
_API_PORT = 9101
# How much longer than the task a token lives.
_TOKEN_GRACE_SECONDS = 60


@dataclass(frozen=True)
class ApiAccess:
    """One StackStorm API, and credentials for it; C(repr) shows no secrets.

    :arg api_url: Such as C(https://host/api/v1), without userinfo and without a slash at its end.
    :arg auth_url: Of the auth service, which has C(/tokens); empty when none is known, or needed.
    :arg origin: Where the credentials are from, in words; empty when there are none.
    :arg basic: Name and password for a server in front of StackStorm that wants basic authentication.
    :arg verify: Whether to check certificates, or the PEM file to check them with.
    """

    api_url: str
    auth_url: str
    origin: str = ""
    api_key: str = field(default="", repr=False)
    auth_token: str = field(default="", repr=False)
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    basic: Credentials = field(default_factory=Credentials)
    verify: t.Union[bool, str] = True

    def __bool__(self) -> bool:
        return bool(self.origin)

    def secrets(self) -> t.List[str]:
        """Every secret of it, for the redactor."""
        return [one for one in (self.api_key, self.auth_token, self.password, self.basic.password) if one]


def find_access(options: RegistrationOptions, environment: t.Mapping[str, str]) -> ApiAccess:
    """Where the API is and with which credentials, without asking it.

    Credentials are taken whole from the first place that has any; URLs each from the first that has one.

    :arg environment: Of this process; also tells where the config file of the st2 client is.
    :raises OptionError: for a value that cannot be used, or a config file that cannot be read.
    """
    config = _config(options, environment)
    origin, found = _credentials(options, environment, config)
    origin_of_url, text = _api_url(options, environment, config)
    api_url, api_basic = check_url("api_url", text, origin_of_url)
    auth_url = ""
    if options.auth_url or not (found.get("api_key") or found.get("auth_token")):
        from .auth_service import find_auth_url

        auth_url = find_auth_url(options, environment, config, api_url)
    return ApiAccess(
        api_url,
        auth_url,
        origin,
        basic=api_basic or _basic(config),
        verify=_verify(options, environment, config),
        **{name: _secret(name, value, origin) for name, value in found.items()},
    )


def _config(options: RegistrationOptions, environment: t.Mapping[str, str]) -> ClientConfig:
    """The config file of the st2 client. Whoever says elsewhere where the API is and who they are does not need it."""
    try:
        return read_client_config(environment)
    except OptionError:
        said = (
            options.api_url or environment.get("ST2_API_URL") or environment.get("ST2_BASE_URL"),
            options.has_credentials() or environment.get("ST2_API_KEY") or environment.get("ST2_AUTH_TOKEN"),
        )
        if not all(said):
            raise
        return ClientConfig("")


def _basic(config: ClientConfig) -> Credentials:
    username, colon, password = config.get("credentials", "basic_auth").partition(":")
    if username and not colon:
        raise OptionError(f"basic_auth in {config.path} is not written as USERNAME:PASSWORD.")
    return Credentials(username, password)


def open_client(
    access: ApiAccess,
    *,
    environment: t.Mapping[str, str],
    deadline: Deadline,
    redactor: Redactor,
    patience: t.Optional[Deadline] = None,
) -> ApiClient:
    """A client with the credentials. For a user name and a password it gets a token first, which nobody else sees.

    StackStorm has no way to give a token back (st2auth/controllers/v1/auth.py), so it is asked for one that lives only
    a minute longer than the task.

    :arg deadline: The client's.
    :arg patience: When to give up on the token; else with the client.
    :raises RegistrationError: when the auth service gives no token.
    """
    for secret in (*access.secrets(), *_basic_forms(access)):
        redactor.add(secret)
    # Not the proxy of the service that fetches packs: that one leads outside, and the API is inside.
    proxy = resolve_proxy({}, {}, environment)
    for secret in proxy.secrets():
        redactor.add(secret)

    def client(url: str, basic: Credentials, headers: t.Mapping[str, str], until: Deadline) -> ApiClient:
        return ApiClient(
            url,
            deadline=until,
            headers=headers,
            basic=basic,
            verify=access.verify,
            proxy=proxy,
            redactor=redactor,
        )

    # With both, the st2 client sends both, and StackStorm takes the token.
    if access.auth_token:
        headers = {"X-Auth-Token": access.auth_token}
    elif access.api_key:
        headers = {"St2-Api-Key": access.api_key}
    elif access.username:
        from .auth_service import get_token, require_auth_url

        require_auth_url(access.auth_url)
        auth = client(access.auth_url, Credentials(access.username, access.password), {}, patience or deadline)
        try:
            token = get_token(auth, int(deadline.remaining()) + _TOKEN_GRACE_SECONDS)
        finally:
            auth.close()
        redactor.add(token)
        headers = {"X-Auth-Token": token}
    else:
        headers = {}
    return client(access.api_url, access.basic, headers, deadline)


def _basic_forms(access: ApiAccess) -> t.Iterator[str]:
    """The credentials as they stand in a header, which a server may give back in an error."""
    for one in (Credentials(access.username, access.password), access.basic):
        if one:
            yield base64.b64encode(f"{one.username}:{one.password}".encode()).decode()


def _api_url(options: RegistrationOptions, environment: t.Mapping[str, str], config: ClientConfig) -> t.Tuple[str, str]:
    """Where the URL of the API is from, in words, and the URL."""
    version = environment.get("ST2_API_VERSION") or config.get("general", "api_version") or "v1"
    ending = f":{_API_PORT}/{version}"
    for origin, url in (("", options.api_url), ("ST2_API_URL", environment.get("ST2_API_URL"))):
        if url:
            return origin, url
    for origin, url, base in (
        ("ST2_BASE_URL", None, environment.get("ST2_BASE_URL")),
        (config.path, config.get("api", "url"), config.get("general", "base_url")),
    ):
        if url or base:
            # As the st2 client does, with a port in it too.
            return (origin, url) if url else (f"{origin}, with {ending}", f"{(base or '').rstrip('/')}{ending}")
    return "", f"{_DEFAULT_BASE_URL}{ending}"


def check_url(option: str, text: str, origin: str = "") -> t.Tuple[str, Credentials]:
    """A URL without userinfo, and what was in it.

    :arg origin: Where it is from, in words.
    :raises OptionError: for what is none.
    """
    url, credentials = split_userinfo(text.strip())
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or not url.isprintable():
        raise OptionError(
            f"{option} is not a URL that StackStorm could have{f' (it is from {origin})' if origin else ''}: it takes "
            "http://HOST:PORT/PATH or https://HOST/PATH."
        )
    return url.rstrip("/"), credentials


def _credentials(
    options: RegistrationOptions, environment: t.Mapping[str, str], config: ClientConfig
) -> t.Tuple[str, t.Dict[str, str]]:
    places = (
        (
            "the task",
            {
                "api_key": options.api_key,
                "auth_token": options.auth_token,
                "username": options.api_username,
                "password": options.api_password,
            },
        ),
        (
            "the environment",
            {"api_key": environment.get("ST2_API_KEY"), "auth_token": environment.get("ST2_AUTH_TOKEN")},
        ),
        (
            config.path,
            {
                "api_key": config.get("credentials", "api_key"),
                "username": config.get("credentials", "username"),
                "password": config.get("credentials", "password"),
            },
        ),
    )
    for origin, values in places:
        found = {name: value.strip() if name != "password" else value for name, value in values.items() if value}
        if any(found.get(name) for name in ("api_key", "auth_token", "username")):
            return origin, found
    return "", {}


def _secret(name: str, value: str, origin: str) -> str:
    # A header with such a character is refused by requests, in a message that shows it.
    headed = name in ("api_key", "auth_token")
    if headed and not (value.isascii() and value.isprintable()):
        raise OptionError(f"The {name} of {origin} contains characters that are not valid in a StackStorm {name}.")
    return value


def _verify(options: RegistrationOptions, environment: t.Mapping[str, str], config: ClientConfig) -> t.Union[bool, str]:
    if not options.validate_certs:
        return False
    for path in (
        options.ca_bundle,
        environment.get("ST2_CACERT"),
        config.get("general", "cacert"),
        environment.get("REQUESTS_CA_BUNDLE"),
    ):
        # The st2 client also takes true and false there. Whether to check at all is up to the task.
        if path and path.lower() not in ("true", "false"):
            return os.path.expanduser(path)
    return True
