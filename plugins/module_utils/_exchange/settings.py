# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The settings of an Exchange, which the role writes to a file: read, checked and typed."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, fields
from urllib.parse import urlsplit

from .._content.address import check_source
from .._content.names import check_ref, refusal
from .._content.request import PackRequest, from_option, parse_spec
from .._errors import Collected, InvalidPackError, MissingLibraryError, OptionError, St2Error
from .._layout import SYSTEM_PACKS
from .._secrets import split_userinfo
from .._yaml_file import load_yaml

REVISIONS = ("tag", "branch", "published")
_PACK_KEYS = ("name", "version", "source")
_REPORT = "status"
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_PYTHON = re.compile(r"3\.[0-9]{1,2}")
_PLATFORM = re.compile(r"[a-z0-9_]+")


@dataclass(frozen=True)
class Settings:
    """What an Exchange serves and where from; each field is the key of that name, see the role's documentation.

    :arg url: The base of all that is published, without a slash at the end.
    :arg root: The directory of all data.
    :arg sign_key: A path, or the name of one of the credentials that the unit gives to the program.
    """

    url: str
    root: str = "/var/lib/st2-exchange"
    packs: t.Tuple[PackRequest, ...] = ()
    hosted: t.Tuple[str, ...] = ()
    index_url: t.Tuple[str, ...] = ()
    include: t.Tuple[str, ...] = ()
    exclude: t.Tuple[str, ...] = ()
    index_allowed_signers: t.Optional[t.Tuple[str, ...]] = None
    mirror: bool = True
    bundle: t.Optional[str] = None
    follow_moved_tags: bool = False
    revision: str = "tag"
    pythons: t.Tuple[str, ...] = ()
    platforms: t.Tuple[str, ...] = ("manylinux_2_28_x86_64",)
    package_index: t.Optional[str] = None
    sign_key: t.Optional[str] = None
    page: bool = True
    http_proxy: t.Optional[str] = None
    https_proxy: t.Optional[str] = None
    no_proxy: t.Optional[str] = None
    ca_bundle: t.Optional[str] = None
    timeout: float = 600

    def __repr__(self) -> str:
        return f"Settings({self.url!r}, ...)"  # Addresses may hold secrets.

    @property
    def proxy(self) -> t.Dict[str, t.Optional[str]]:
        """As L(resolve_proxy) takes it."""
        return {name: getattr(self, name) for name in ("http_proxy", "https_proxy", "no_proxy", "ca_bundle")}

    @property
    def git_dir(self) -> str:
        """The repositories that are served."""
        return os.path.join(self.root, "git")

    @property
    def hosted_dir(self) -> str:
        """The repositories that are pushed here."""
        return os.path.join(self.root, "hosted")

    @property
    def simple_dir(self) -> str:
        """The package index."""
        return os.path.join(self.root, "simple")

    @property
    def status_dir(self) -> str:
        """What came of everything, for people."""
        return os.path.join(self.root, "status")

    @property
    def triggers_dir(self) -> str:
        """Where a file asks for a run."""
        return os.path.join(self.root, "triggers")

    @property
    def www(self) -> str:
        """The index and the page."""
        return os.path.join(self.root, "www")

    @property
    def state_dir(self) -> str:
        """What the program keeps for itself."""
        return os.path.join(self.root, "state")

    def repository(self, ref: str) -> str:
        """The repository of a pack that is served."""
        return os.path.join(self.git_dir, f"{ref}.git")

    def served_url(self, ref: str) -> str:
        """The address of that repository for others."""
        return f"{self.url}/git/{ref}.git"


def read_settings(path: str) -> Settings:
    """Read the settings.

    :raises OptionError: naming everything that is wrong with them.
    :raises MissingLibraryError: without PyYAML.
    """
    try:
        found = load_yaml(path)
    except InvalidPackError as error:
        raise OptionError(f"The settings cannot be read: {error.message}") from error
    if not isinstance(found, dict):
        raise OptionError(f"The settings {path} are not a mapping of keys to values.")
    try:
        return settings_from(found)
    except MissingLibraryError:
        raise
    except St2Error as error:
        raise OptionError(f"The settings {path} cannot be used: {error.message}") from error


def settings_from(found: t.Mapping[t.Any, t.Any]) -> Settings:
    """The settings that a mapping has; what it does not have, or has as C(null), is the default.

    :raises OptionError: naming everything that is wrong with them.
    """
    collected = Collected()
    values: t.Dict[str, t.Any] = {}
    known = [field.name for field in fields(Settings)]
    with collected.one():
        unknown = sorted(str(key) for key in found if key not in known)
        if unknown:
            raise OptionError(f"There is no setting {', '.join(unknown)}. The settings are: {', '.join(known)}.")
    with collected.one():
        if found.get("url") is None:
            raise OptionError("The setting url is missing, the address under which everything is published.")
    for name in known:
        if found.get(name) is not None:
            with collected.one():
                values[name] = _READERS[name](name, found[name])
    collected.raise_them()
    _check_together(values)
    return Settings(**values)


def _check_together(values: t.Mapping[str, t.Any]) -> None:
    collected = Collected()
    hosted = values.get("hosted", ())
    for request in values.get("packs", ()):
        with collected.one():
            if request.is_name and not values.get("index_url"):
                raise OptionError(f"packs has the name {request.name}, and there is no index_url to look it up in.")
            if request.expected_ref in hosted:
                raise OptionError(f"{request.expected_ref} is in packs and in hosted: it can only be served from one.")
    with collected.one():
        if values.get("pythons") and values.get("platforms") == ():
            raise OptionError(
                "pythons is set, and platforms is empty, so there is nothing to get packages for. Set platforms to "
                "what the StackStorm hosts are, such as manylinux_2_28_x86_64, or leave it out for that."
            )
    with collected.one():
        if not any(values.get(name) for name in ("packs", "hosted", "index_url", "bundle")):
            raise OptionError("There is nothing to serve: set packs, hosted, index_url or bundle.")
    collected.raise_them()


def _text(name: str, value: t.Any) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise OptionError(f"{name} must be text without control characters.")
    return value


def _texts(name: str, value: t.Any) -> t.Tuple[str, ...]:
    if not isinstance(value, list):
        raise OptionError(f"{name} must be a list.")
    return tuple(_text(f"Each item of {name}", one) for one in value)


def _truth(name: str, value: t.Any) -> bool:
    if not isinstance(value, bool):
        raise OptionError(f"{name} must be true or false.")
    return value


def _seconds(name: str, value: t.Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= 86400:
        raise OptionError(f"{name} must be a number of seconds from 1 to 86400.")
    return float(value)


def _path(name: str, value: t.Any) -> str:
    text = _text(name, value)
    if not os.path.isabs(text) or os.path.normpath(text).strip("/") == "":
        raise refusal(name, text, "it must be an absolute path below the root")
    return os.path.normpath(text)


def _key(name: str, value: t.Any) -> str:
    """A path, or the name of one of the credentials that the unit has."""
    text = _text(name, value)
    return text if _NAME.fullmatch(text) else _path(name, text)


def _url(name: str, value: t.Any) -> str:
    text = _text(name, value)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise refusal(name, text, "it must be an address such as https://exchange.example.com")
    _no_credentials(name, text)
    return text.rstrip("/")


def _no_credentials(name: str, text: str) -> None:
    if split_userinfo(text)[1]:
        raise refusal(name, text, "credentials belong in the file of credentials, not in the settings")


def _addresses(name: str, value: t.Any) -> t.Tuple[str, ...]:
    found = _texts(name, value)
    for one in found:
        _no_credentials(name, one)
    return found


def _packs(name: str, value: t.Any) -> t.Tuple[PackRequest, ...]:
    if not isinstance(value, list):
        raise OptionError(f"{name} must be a list.")
    collected = Collected()
    found: t.List[PackRequest] = []
    for item in value:
        with collected.one():
            found.append(_pack(item))
    collected.raise_them()
    return tuple(found)


def _pack(item: t.Any) -> PackRequest:
    if isinstance(item, dict):
        unknown = sorted(str(key) for key in item if key not in _PACK_KEYS)
        if unknown:
            raise OptionError(f"An item of packs has {', '.join(unknown)}: only {', '.join(_PACK_KEYS)} can be set.")
        request = from_option(item)
    else:
        request = parse_spec(_text("Each item of packs", item))
    # A user name alone is mostly a token, but for ssh.
    if request.credentials.password or (request.credentials and (request.source or "").startswith("http")):
        raise OptionError(f"{request.requested}: credentials belong in the file of credentials, not in the settings.")
    if request.source and not request.is_name:
        check_source("source", request.source)
    return request


def _refs(name: str, value: t.Any) -> t.Tuple[str, ...]:
    found = tuple(check_ref(name, one) for one in _texts(name, value))
    for ref in found:
        if ref in SYSTEM_PACKS:
            raise refusal(name, ref, "it is one of StackStorm's own packs, which cannot be in an index")
        if ref == _REPORT:
            raise refusal(name, ref, "what is said of it would be in status.txt, which is the report of everything")
    if len(set(found)) < len(found):
        raise OptionError(f"{name} has the same name twice.")
    return found


def _of(form: t.Pattern[str], example: str) -> t.Callable[[str, t.Any], t.Tuple[str, ...]]:
    def read(name: str, value: t.Any) -> t.Tuple[str, ...]:
        found = _texts(name, value)
        for one in found:
            if not form.fullmatch(one):
                raise refusal(name, one, f"it must be such as {example}")
        return found

    return read


def _revision(name: str, value: t.Any) -> str:
    if value not in REVISIONS:
        raise OptionError(f"{name} must be one of {', '.join(REVISIONS)}.")
    return str(value)


_READERS: t.Mapping[str, t.Callable[[str, t.Any], t.Any]] = {
    "url": _url,
    "packs": _packs,
    "hosted": _refs,
    "index_url": _addresses,
    "pythons": _of(_PYTHON, '"3.8"'),
    "platforms": _of(_PLATFORM, "manylinux2014_x86_64"),
    "package_index": _url,
    "revision": _revision,
    "timeout": _seconds,
    **dict.fromkeys(("include", "exclude", "index_allowed_signers"), _texts),
    **dict.fromkeys(("mirror", "follow_moved_tags", "page"), _truth),
    "sign_key": _key,
    **dict.fromkeys(("root", "bundle", "ca_bundle"), _path),
    **dict.fromkeys(("http_proxy", "https_proxy", "no_proxy"), _text),
}
