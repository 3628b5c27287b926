# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Addresses of packs, as StackStorm and git take them. Text only."""

from __future__ import annotations

import os
import re
import typing as t
from urllib.parse import unquote

from .._errors import OptionError
from .._secrets import Credentials, split_userinfo, strip_urls
from .names import check_text, is_path, refusal

TRANSPORTS = ("https", "http", "ssh", "git", "file")
_DEFAULT_PORTS = {"http": "80", "https": "443", "ssh": "22", "git": "9418"}

URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
SCP = re.compile(r"(?:(?P<user>[^@/:=]+)@)?(?P<host>\[[^]]+\]|[^@/:=\[\]]+):(?P<path>.*)", re.DOTALL)
_TRANSPORT_ADDRESS = re.compile(r"[A-Za-z0-9+.-]+::")
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])")
_SERVER = re.compile(rf"(?P<host>{_HOST.pattern})(?::(?P<port>[0-9]{{1,5}}))?")
_USER = re.compile(r"[A-Za-z0-9_.%+~][A-Za-z0-9_.%+~-]*")
# What stands behind the @ is no server, so that what stands before it is no password.
_AT_VERSION = re.compile(r"([a-z0-9_]+)@(v?[0-9]+(?:\.[0-9]+){1,2}(?:-[0-9a-z.-]+)?|latest|main|master)")
# A server's name and a directory that is named like a version look the same, but nobody has both.
_COLON_VERSION = re.compile(r"([a-z0-9_]+):(v?[0-9]+(?:\.[0-9]+){1,2}(?:-[0-9a-z.-]+)?|latest)")
_ORG_REPO = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_.][A-Za-z0-9_.-]*")


class Address(t.NamedTuple):
    """The source of a pack, checked.

    :arg url: A clean URL, or an absolute path.
    :arg credentials: What was in it.
    :arg warnings: Sentences for the person who wrote it.
    """

    url: str
    credentials: Credentials = Credentials()
    warnings: t.Tuple[str, ...] = ()


def check_source(option: str, text: str) -> Address:
    """Check the source of a pack, without a version, and take the credentials out of it.

    :arg option: The name of the option for messages.
    :arg text: A URL, an scp address, C(ORG/REPO) for one on GitHub, or an absolute path.
    :raises OptionError: when it cannot be used, saying what to write.
    """
    check_text(option, text, blanks=is_path(str(text)))
    if _TRANSPORT_ADDRESS.match(text):
        raise refusal(option, text, f"git's TRANSPORT::ADDRESS is not allowed; use one of {', '.join(TRANSPORTS)}")
    url = URL.fullmatch(text)
    if url:
        return _check_url(option, text, url)
    if text.startswith("/"):
        return _check_path(option, text, text)
    if text.startswith((".", "~")):
        raise refusal(option, text, "a local directory must be given by its absolute path")
    _refuse_other_sign(option, text, _COLON_VERSION)
    scp = SCP.fullmatch(text)
    if scp:
        return _check_scp(option, text, scp)
    if _ORG_REPO.fullmatch(text) and text.split("/")[1] not in (".", ".."):
        return Address(f"https://github.com/{text}")
    _refuse_other_sign(option, text, _AT_VERSION)
    raise refusal(option, text, "write a whole URL, ORG/REPO for a repository on GitHub, or an absolute path")


def _refuse_other_sign(option: str, text: str, form: t.Pattern[str]) -> None:
    """:raises OptionError: for the name of a pack with a version that stands behind something else than C(=)."""
    named = form.fullmatch(text)
    if named:
        raise OptionError(
            f'The {option} "{text}" cannot be used: a version is written after =. '
            f"Did you mean {'='.join(named.groups())}?"
        )


def refuse_two_equals(text: str) -> t.NoReturn:
    """:raises OptionError: for a request with C(==) in front of its version, as pip writes it."""
    meant = strip_urls(text.replace("==", "=", 1))
    raise refusal("name", text, f"a version is written after a single =. Did you mean {meant}?")


def check_subdir(text: str) -> t.Optional[str]:
    """Check the directory of a pack in a source; C(None) for its top.

    :raises OptionError: when it leads elsewhere.
    """
    check_text("subdir", text, blanks=True)
    parts = text.split("/")
    if text.startswith(("/", "~", "-")) or ".." in parts or "\\" in text or ".git" in (part.lower() for part in parts):
        raise refusal("subdir", text, "it must be a directory inside the source, relative to its root")
    normal = os.path.normpath(text)
    return None if normal == "." else normal


def normal_url(url: str) -> str:
    """The form of a source in which two spellings of one repository are equal. For comparing only, not for git.

    Scheme and host in lower case, no default port, password, closing C(/) or C(.git); an scp address as C(ssh://); a
    C(file://) URL as its path; paths on github.com, which does not tell them apart, in lower case.
    """
    if url.startswith("/"):
        return _normal_path(url)
    match = URL.fullmatch(url)
    if match is None:
        scp = SCP.fullmatch(url)
        if scp is None or url.startswith((".", "~")):
            return url
        user = f"{scp.group('user')}@" if scp.group("user") else ""
        return normal_url(f"ssh://{user}{scp.group('host')}/{scp.group('path').lstrip('/')}")
    scheme, rest = match.group("scheme").lower(), match.group("rest")
    if scheme == "file" and rest.startswith("/"):
        return _normal_path(rest)
    user, _at, host = match.group("authority").rpartition("@")
    host = host.lower()
    while scheme in _DEFAULT_PORTS and host.endswith(f":{_DEFAULT_PORTS[scheme]}"):
        host = host.rpartition(":")[0]
    user = user.partition(":")[0] if scheme == "ssh" else ""
    path, query, tail = rest.partition("?")
    path = _without_ending(path.lower() if host == "github.com" else path)
    return f"{scheme}://{f'{user}@' if user else ''}{host}{path}{query}{tail}"


def split_version(text: str) -> t.Tuple[str, str]:
    """Address and version of a request that holds a C(:) or is a path; the version is empty where there is none.

    :raises OptionError: for the name of a pack and a version with a C(:) between them.
    """
    _refuse_other_sign("name", text, _COLON_VERSION)
    url = URL.fullmatch(text)
    if url and url.group("scheme").lower() != "file":
        cut = _separator(text, url.start("rest"))
    elif url or text.startswith("/"):
        cut = text.rfind("=")
    elif SCP.match(text):
        cut = text.rfind("=", text.index(":"))
    else:
        # Neither a name in an index nor ORG/REPO can hold a "=", a branch can.
        cut = text.find("=")
    return (text, "") if cut < 0 else (text[:cut], text[cut + 1 :])


def _separator(text: str, start: int) -> int:
    """Where the C(=) in front of the version is in a URL, -1 where there is none.

    It is the last one, but not the one between name and value in a query, nor what ends a value (base64 does).
    """
    query = text.find("?", start)
    if query < 0:
        return text.rfind("=", start)
    parameter = max(text.rfind(mark, query) for mark in "?&;") + 1
    value = text.find("=", parameter) + 1
    cut = text.rfind("=", value) if value else -1
    return -1 if cut == len(text) - 1 else cut


def _without_ending(path: str) -> str:
    while path.endswith(("/", ".git")):
        path = path[:-1] if path.endswith("/") else path[: -len(".git")]
    return path


def _normal_path(path: str) -> str:
    return "/" + os.path.normpath(path).lstrip("/")


def _check_url(option: str, text: str, match: t.Match[str]) -> Address:
    scheme = match.group("scheme").lower()
    if scheme not in TRANSPORTS:
        hint = f" Write {scheme[4:]}:// without git+." if scheme.startswith("git+") else ""
        raise refusal(option, text, f"sources are fetched by {', '.join(TRANSPORTS)} only.{hint}")
    authority, rest = match.group("authority"), match.group("rest")
    if scheme == "file":
        if authority.lower() not in ("", "localhost") or not rest.startswith("/"):
            raise refusal(option, text, "a file URL needs an absolute path, as in file:///srv/packs/NAME")
        return _check_path(option, text, rest)
    userinfo, _at, address = authority.rpartition("@")
    server = _SERVER.fullmatch(address)
    if server is None or not 0 < int(server.group("port") or 1) < 65536:
        raise refusal(option, text, "its host name or port is not a valid one")
    user = userinfo.partition(":")[0]
    if scheme == "ssh" and user and not _USER.fullmatch(user):
        raise refusal(option, text, "its user name is not a valid one")
    path = rest.partition("?")[0]
    if path in ("", "/") or "\\" in text or "#" in rest:
        raise refusal(option, text, "its path names no repository, or holds # or \\. Write a version as =VERSION")
    if "@" in path:
        raise refusal(option, text, "there is an @ in its path. In user names and passwords, write / as %2F")
    clean, credentials = split_userinfo(text)
    clean, secret = _take_query_secret(clean)
    if secret and not credentials:
        # Any user name goes with a token; this one is GitLab's, whose tokens are the ones found in queries.
        credentials = Credentials("oauth2", secret)
    if not f"{credentials.username}{credentials.password}".isprintable():
        raise refusal(option, text, "its credentials contain control characters")
    return Address(clean, credentials, (_warning(scheme, server.group("host")),) if credentials else ())


def _check_path(option: str, text: str, path: str) -> Address:
    if _normal_path(path) == "/":
        raise refusal(option, text, "the root directory is not a pack")
    return Address(_normal_path(path))


def _take_query_secret(url: str) -> t.Tuple[str, str]:
    """A URL without the parameters of its query that hold a secret, and the first of those secrets."""
    path, mark, query = url.partition("?")
    kept: t.List[str] = []
    secret = ""
    for parameter in re.split(r"[&;]", query):
        if strip_urls(f"?{parameter}") == f"?{parameter}":
            kept.append(parameter)
        else:
            secret = secret or unquote(parameter.partition("=")[2])
    return (path + (f"?{'&'.join(kept)}" if kept else ""), secret) if secret else (f"{path}{mark}{query}", "")


def _warning(scheme: str, host: str) -> str:
    return (
        f"The source on {host} was written with credentials in its URL. They are used and removed everywhere else, "
        "but the task still shows them. Use username and password, or token."
    ) + (" They are sent unencrypted over http." if scheme == "http" else "")


def _check_scp(option: str, text: str, match: t.Match[str]) -> Address:
    user, host, path = match.group("user"), match.group("host"), match.group("path")
    if not user and host.lower() in TRANSPORTS and host.lower() != "git":
        raise refusal(option, text, f"write {host.lower()}:// with two slashes")
    if "@" in path:
        raise refusal(option, text, "an address like USER@HOST:PATH cannot contain a password; use an https URL")
    if not _HOST.fullmatch(host) or (user and not _USER.fullmatch(user)):
        raise refusal(option, text, "its user or host name is not a valid one")
    if path.strip("/") == "" or path.startswith("-") or "\\" in path:
        raise refusal(option, text, "its path names no repository")
    return Address(text)
