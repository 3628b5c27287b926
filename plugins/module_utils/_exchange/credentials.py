# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The credentials of an Exchange for upstream servers, which its unit gives to the program in files."""

from __future__ import annotations

import os
import typing as t
from urllib.parse import urlsplit

from .._content.address import normal_url
from .._errors import Collected, InvalidPackError, OptionError
from .._secrets import Credentials, split_userinfo
from .._source.index_download import is_local
from .._yaml_file import load_yaml

_KEYS = ("url", "username", "password")


class CredentialFile(t.NamedTuple):
    """What may be sent where.

    :arg scopes: Each with the address, in its normal form, at and below which it counts; the longest first.
    :arg ssh_key_file: The private key for ssh, if there is one; likewise C(known_hosts_file).
    """

    scopes: t.Tuple[t.Tuple[str, Credentials], ...] = ()
    ssh_key_file: t.Optional[str] = None
    known_hosts_file: t.Optional[str] = None

    def __repr__(self) -> str:
        return f"CredentialFile({len(self.scopes)} scopes)"

    def find(self, url: str) -> Credentials:
        """What may be sent for a URL; empty where nothing may."""
        if urlsplit(url).scheme not in ("http", "https"):
            return Credentials()
        wanted = normal_url(url)
        for scope, credentials in self.scopes:
            if wanted == scope or wanted.startswith(f"{scope}/"):
                return credentials
        return Credentials()

    def trusts(self, index_url: str) -> bool:
        """Whether repositories that an index lists may be asked for with the credentials and the key.

        Else whoever writes an index elsewhere could name any repository that they open, which would be served to
        everybody then. An index that is a file of this host, or that takes credentials itself, is the site's own.
        """
        return is_local(index_url) or bool(self.find(index_url))

    def secrets(self) -> t.List[str]:
        """Every password, for the redactor."""
        return [credentials.password for _scope, credentials in self.scopes if credentials.password]


def read_credentials(environment: t.Mapping[str, str]) -> CredentialFile:
    """What is in C(CREDENTIALS_DIRECTORY) (systemd.exec(5), C(LoadCredential)); nothing where a file is missing.

    :raises OptionError: naming everything that is wrong with it, and no secret.
    :raises MissingLibraryError: without PyYAML.
    """
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if not directory:
        return CredentialFile()
    path = os.path.join(directory, "credentials")
    key, hosts = (os.path.join(directory, name) for name in ("ssh_key", "known_hosts"))
    return CredentialFile(
        _scopes(path) if os.path.lexists(path) else (),
        key if os.path.lexists(key) else None,
        hosts if os.path.lexists(hosts) else None,
    )


def _scopes(path: str) -> t.Tuple[t.Tuple[str, Credentials], ...]:
    try:
        listed = load_yaml(path, shown="The file of credentials")
    except InvalidPackError as error:
        raise OptionError(error.message) from error
    if not isinstance(listed, list):
        raise OptionError("The file of credentials is not a list.")
    collected = Collected()
    found: t.List[t.Tuple[str, Credentials]] = []
    for number, item in enumerate(listed, 1):
        with collected.one():
            found.append(_scope(number, item))
    collected.raise_them()
    return tuple(sorted(found, key=lambda one: -len(one[0])))


def _scope(number: int, item: t.Any) -> t.Tuple[str, Credentials]:
    what = f"Item {number} of the credentials"
    if not isinstance(item, dict) or any(key not in _KEYS for key in item):
        raise OptionError(f"{what} must have the keys {', '.join(_KEYS)}, and no others.")
    for key, value in item.items():
        if not isinstance(value, str):
            raise OptionError(f"The {key} of item {number} of the credentials must be text: quote it.")
    url = item.get("url", "")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or split_userinfo(url)[1]:
        raise OptionError(f"{what} has no url such as https://git.example.com, without credentials in it.")
    if not item.get("password"):
        raise OptionError(f"{what} has no password.")
    return normal_url(url).rstrip("/"), Credentials(item.get("username", ""), item["password"])
