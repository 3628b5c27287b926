# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Names and addresses of packs, as StackStorm and git take them: refs, sources, versions. Text only."""

from __future__ import annotations

import os
import re
import typing as t
from urllib.parse import unquote

from .._errors import OptionError
from .._secrets import Credentials, split_userinfo, strip_urls

TRANSPORTS = ("https", "http", "ssh", "git", "file")
# st2common/constants/pack.py PACK_REF_WHITELIST_REGEX and RESERVED_PACK_LIST; for the length see metadata_schema.py.
_REF = re.compile(r"[a-z0-9_]{1,200}")
_RESERVED_REFS = ("_global",)
_DEFAULT_PORTS = {"http": "80", "https": "443", "ssh": "22", "git": "9418"}
_LONGEST = 2048

URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
SCP = re.compile(r"(?:(?P<user>[^@/:=]+)@)?(?P<host>\[[^]]+\]|[^@/:=\[\]]+):(?P<path>.*)", re.DOTALL)
_TRANSPORT_ADDRESS = re.compile(r"[A-Za-z0-9+.-]+::")
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])")
_SERVER = re.compile(rf"(?P<host>{_HOST.pattern})(?::(?P<port>[0-9]{{1,5}}))?")
_USER = re.compile(r"[A-Za-z0-9_.%+~][A-Za-z0-9_.%+~-]*")
_ORG_REPO = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_.][A-Za-z0-9_.-]*")
_NOT_IN_REFS = re.compile(r"\.\.|@\{|//|[~^:?*\[\\]|(?:^|/)\.|\.lock(?:/|$)|[./]$|^[-/=@]$|^[-/=]")


class Address(t.NamedTuple):
    """The source of a pack, checked.

    :arg url: A clean URL, or an absolute path.
    :arg credentials: What was in it.
    :arg warnings: Sentences for the person who wrote it.
    """

    url: str
    credentials: Credentials = Credentials()
    warnings: t.Tuple[str, ...] = ()


def check_ref(option: str, value: str) -> str:
    """Check that a text can be a pack's ref.

    :raises OptionError: when it cannot, with the ref that was probably meant.
    """
    if not value:
        raise refusal(option, value, "there is no pack name in it")
    if value in _RESERVED_REFS:
        raise refusal(option, value, "StackStorm keeps this name for itself")
    if _REF.fullmatch(value):
        return value
    why = "a pack's name (its ref) holds only a-z, 0-9 and _, at most 200 of them"
    if value[-1] in "<>!~":
        raise refusal(option, value, f"{why}; write a version as NAME=VERSION, as ranges are not supported")
    meant = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
    raise refusal(option, value, f"{why}. Did you mean {meant}?" if meant and len(value) < 80 else why)


def check_source(option: str, text: str) -> Address:
    """Check the source of a pack, without a version, and take the credentials out of it.

    :arg option: The name of the option for messages.
    :arg text: A URL, an scp address, C(ORG/REPO) for one on GitHub, or an absolute path.
    :raises OptionError: when it cannot be used, saying what to write.
    """
    check_text(option, text)
    if _TRANSPORT_ADDRESS.match(text):
        raise refusal(option, text, f"git's TRANSPORT::ADDRESS is not allowed; use one of {', '.join(TRANSPORTS)}")
    url = URL.fullmatch(text)
    if url:
        return _check_url(option, text, url)
    if text.startswith("/"):
        return _check_path(option, text, text)
    if text.startswith((".", "~")):
        raise refusal(option, text, "a local directory must be given by its absolute path")
    scp = SCP.fullmatch(text)
    if scp:
        return _check_scp(option, text, scp)
    if _ORG_REPO.fullmatch(text) and text.split("/")[1] not in (".", ".."):
        return Address(f"https://github.com/{text}")
    raise refusal(option, text, "write a whole URL, ORG/REPO for a repository on GitHub, or an absolute path")


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
        raise refusal(option, text, "its credentials hold control characters")
    return Address(clean, credentials, (_warning(scheme, server.group("host")),) if credentials else ())


def _check_path(option: str, text: str, path: str) -> Address:
    if _normal_path(path) == "/":
        raise refusal(option, text, "the root directory is no pack")
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
        f"The source on {host} was written with credentials in its URL. They are used and left out of everything else, "
        "but the task still shows them: use username and password, or token."
    ) + (" They travel unencrypted over http." if scheme == "http" else "")


def _check_scp(option: str, text: str, match: t.Match[str]) -> Address:
    user, host, path = match.group("user"), match.group("host"), match.group("path")
    if not user and host.lower() in TRANSPORTS and host.lower() != "git":
        raise refusal(option, text, f"write {host.lower()}:// with two slashes")
    if "@" in path:
        raise refusal(option, text, "an address like USER@HOST:PATH cannot hold a password; use an https URL")
    if not _HOST.fullmatch(host) or (user and not _USER.fullmatch(user)):
        raise refusal(option, text, "its user or host name is not a valid one")
    if path.strip("/") == "" or path.startswith("-") or "\\" in path:
        raise refusal(option, text, "its path names no repository")
    return Address(text)


def check_version(version: str) -> t.Optional[str]:
    """Check a version by git's rules for names of branches and tags (git-check-ref-format); C(None) for none."""
    if not version:
        return None
    check_text("version", version)
    if _NOT_IN_REFS.search(version):
        hint = " A version is written after a single =." if version.startswith("=") else ""
        raise refusal("version", version, f"git has no version, tag, branch or commit of that form.{hint}")
    return version


def check_text(option: str, text: str) -> None:
    if not isinstance(text, str):
        raise OptionError(f"{option} must be a string, not {type(text).__name__}: quote it.")
    if not text:
        raise OptionError(f"{option} is empty: name a pack or a source.")
    if text.startswith("-"):
        raise refusal(option, text, "it must not begin with -, which programs take for an option")
    if len(text) > _LONGEST:
        raise refusal(option, text, f"it is longer than {_LONGEST} characters")
    if not text.isprintable() or any(character.isspace() for character in text):
        raise refusal(option, text, "it holds blanks, newlines or control characters. Give several packs as a list")


def refusal(option: str, value: str, why: str) -> OptionError:
    return OptionError(f'The {option} "{_shown(value)}" cannot be used: {why}{"" if why.endswith(("?", ".")) else "."}')


def _shown(text: str) -> str:
    """A refused text for a message. What stands in front of an C(@) may be a password, in however wrong a URL."""
    head, at, tail = text.rpartition("@")
    if at:
        scheme, slashes, _rest = head.partition("://")
        text = f"{scheme + slashes if slashes else ''}********@{tail}"
    text = "".join(character if character.isprintable() else "?" for character in strip_urls(text))
    return text if len(text) <= 200 else f"{text[:200]}..."
