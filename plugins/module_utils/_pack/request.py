# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Requests for packs: what C(st2 pack install) takes, read so that nothing in it can be mistaken or misused.

StackStorm splits a request at every C(=) (st2common/util/pack_management.py get_repo_url, eval_repo_url); where that
breaks a source, the source is kept whole here.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials, split_userinfo, strip_urls

TRANSPORTS = ("https", "http", "ssh", "git", "file")
# st2common/constants/pack.py PACK_REF_WHITELIST_REGEX and RESERVED_PACK_LIST; for the length see metadata_schema.py.
_REF = re.compile(r"[a-z0-9_]{1,200}")
_RESERVED_REFS = ("_global",)
_DEFAULT_PORTS = {"http": "80", "https": "443", "ssh": "22", "git": "9418"}
_LONGEST = 2048

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL)
_SCP = re.compile(r"(?:(?P<user>[^@/:=]+)@)?(?P<host>\[[^]]+\]|[^@/:=\[\]]+):(?P<path>.*)", re.DOTALL)
_TRANSPORT_ADDRESS = re.compile(r"[A-Za-z0-9+.-]+::")
_HOST = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])")
_SERVER = re.compile(rf"(?P<host>{_HOST.pattern})(?::(?P<port>[0-9]{{1,5}}))?")
_USER = re.compile(r"[A-Za-z0-9_.%+~][A-Za-z0-9_.%+~-]*")
_ORG_REPO = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_.][A-Za-z0-9_.-]*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NOT_IN_REFS = re.compile(r"\.\.|@\{|//|[~^:?*\[\\]|(?:^|/)\.|\.lock(?:/|$)|[./]$|^[-/=@]$|^[-/=]")


@dataclass(frozen=True)
class PackRequest:
    """One pack that the task asks for.

    :arg requested: The request as written, clean of credentials; for messages and results.
    :arg name: The name in the index, which is the pack's ref; C(None) for a source.
    :arg source: A clean URL, or the absolute path of a local directory (also for C(file://)); C(None) for a name.
    :arg version: Version, tag, branch or commit; C(None) for whatever the index or the repository has.
    :arg subdir: Directory of the pack inside the source, relative, with C(/).
    :arg ref: The pack ref that was named next to a source.
    :arg credentials: What was in the source URL.
    :arg digest: Content digest of a local directory, C(sha256:...).
    :arg controller: Whether C(source) is a directory of the controller, known here by its digest.
    :arg upload: Archive on this host with the content of that directory.
    :arg warnings: Sentences for the person who wrote the task.
    """

    requested: str
    name: t.Optional[str] = None
    source: t.Optional[str] = None
    version: t.Optional[str] = None
    subdir: t.Optional[str] = None
    ref: t.Optional[str] = None
    credentials: Credentials = field(default_factory=Credentials)
    digest: t.Optional[str] = None
    controller: bool = False
    upload: t.Optional[str] = None
    warnings: t.Tuple[str, ...] = ()

    @property
    def is_name(self) -> bool:
        """Whether an index has to be asked for the source."""
        return self.name is not None

    @property
    def kind(self) -> str:
        """C(index), C(git) or C(path)."""
        if self.is_name:
            return "index"
        return "path" if (self.source or "").startswith("/") else "git"

    @property
    def expected_ref(self) -> t.Optional[str]:
        """The ref that the pack must have, where the request says so."""
        return self.name or self.ref


@dataclass(frozen=True)
class Source:
    """A source that has been checked.

    :arg address: A clean URL, or an absolute path.
    :arg credentials: What was in it.
    :arg warnings: Sentences for the person who wrote it.
    """

    address: str
    credentials: Credentials = field(default_factory=Credentials)
    warnings: t.Tuple[str, ...] = ()


def parse_spec(text: str) -> PackRequest:
    """Read one request in the form that C(st2 pack install) takes: C(NAME), C(ORG/REPO), a URL, an scp address or an
    absolute path, each with C(=VERSION).

    :raises OptionError: when it cannot be used, saying what to write.
    """
    _check_text("name", text)
    address, written = _split_version(text)
    version = check_version(written)
    if _is_name(address):
        return PackRequest(text if version else address, name=check_ref("name", address), version=version)
    source = check_source("name", address)
    clean = not source.credentials and address == strip_urls(address)
    requested = text if clean else source.address + (f"={version}" if version else "")
    return PackRequest(
        requested, source=source.address, version=version, credentials=source.credentials, warnings=source.warnings
    )


def from_option(item: t.Mapping[str, t.Any]) -> PackRequest:
    """Read one item of the option C(packs).

    :arg item: C(name), C(version), C(source), C(subdir), C(digest), C(upload), each a string, C(None) or missing. A
        C(source) is taken whole, C(=) included, and C(name) is then the ref that the pack must have; without one,
        C(name) is all that R(parse_spec) takes.
    :raises OptionError: when it cannot be used, saying what to write.
    """
    name, version, source, subdir, digest, upload = (
        _optional(item, key) for key in ("name", "version", "source", "subdir", "digest", "upload")
    )
    if source is not None:
        request = _from_source(source, check_version(version or ""), name)
    elif name is not None:
        request = parse_spec(name)
        version = check_version(version or "")
        if version and request.version and version != request.version:
            raise _refusal("version", version, f"the name {request.requested} asks for another. Give one of them")
        if version and not request.version:
            request = replace(request, requested=f"{request.requested}={version}", version=version)
    else:
        raise OptionError("An item of packs has neither a name nor a source: give at least one of them.")
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise _refusal("digest", digest, "a digest is written as sha256: and 64 hexadecimal digits")
    return replace(request, subdir=_check_subdir(subdir or ""), digest=digest, upload=upload)


def _from_source(text: str, version: t.Optional[str], ref: t.Optional[str]) -> PackRequest:
    source = check_source("source", text)
    return PackRequest(
        source.address + (f"={version}" if version else ""),
        source=source.address,
        version=version,
        ref=None if ref is None else check_ref("name", ref),
        credentials=source.credentials,
        warnings=source.warnings,
    )


def check_ref(option: str, value: str) -> str:
    """Check that a text can be a pack's ref.

    :raises OptionError: when it cannot, with the ref that was probably meant.
    """
    if not value:
        raise _refusal(option, value, "there is no pack name in it")
    if value in _RESERVED_REFS:
        raise _refusal(option, value, "StackStorm keeps this name for itself")
    if _REF.fullmatch(value):
        return value
    why = "a pack's name (its ref) holds only a-z, 0-9 and _, at most 200 of them"
    if value[-1] in "<>!~":
        raise _refusal(option, value, f"{why}; write a version as NAME=VERSION, as ranges are not supported")
    meant = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
    raise _refusal(option, value, f"{why}. Did you mean {meant}?" if meant and len(value) < 80 else why)


def check_source(option: str, text: str) -> Source:
    """Check the source of a pack, without a version, and take the credentials out of it.

    :arg option: The name of the option for messages.
    :arg text: A URL, an scp address, C(ORG/REPO) for one on GitHub, or an absolute path.
    :raises OptionError: when it cannot be used, saying what to write.
    """
    _check_text(option, text)
    if _TRANSPORT_ADDRESS.match(text):
        raise _refusal(option, text, f"git's TRANSPORT::ADDRESS is not allowed; use one of {', '.join(TRANSPORTS)}")
    url = _URL.fullmatch(text)
    if url:
        return _check_url(option, text, url)
    if text.startswith("/"):
        return _check_path(option, text, text)
    if text.startswith((".", "~")):
        raise _refusal(option, text, "a local directory must be given by its absolute path")
    scp = _SCP.fullmatch(text)
    if scp:
        return _check_scp(option, text, scp)
    if _ORG_REPO.fullmatch(text) and text.split("/")[1] not in (".", ".."):
        return Source(f"https://github.com/{text}")
    raise _refusal(option, text, "write a whole URL, ORG/REPO for a repository on GitHub, or an absolute path")


def normal_url(url: str) -> str:
    """The form of a source in which two spellings of one repository are equal. For comparing only, not for git.

    Scheme and host in lower case, no default port, password, closing C(/) or C(.git); an scp address as C(ssh://); a
    C(file://) URL as its path; paths on github.com, which does not tell them apart, in lower case.
    """
    if url.startswith("/"):
        return _normal_path(url)
    match = _URL.fullmatch(url)
    if match is None:
        scp = _SCP.fullmatch(url)
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


def _split_version(text: str) -> t.Tuple[str, str]:
    """Address and version of a request; the version is empty where there is none."""
    url = _URL.fullmatch(text)
    if url and url.group("scheme").lower() != "file":
        cut = _separator(text, url.start("rest"))
    elif url or text.startswith("/"):
        cut = text.rfind("=")
    elif _SCP.match(text):
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


def _is_name(address: str) -> bool:
    """Whether an index has to be asked: StackStorm asks it for what has no C(/); an scp address may have none."""
    return "/" not in address and "@" not in address and not address.startswith((".", "~")) and "::" not in address


def _check_url(option: str, text: str, match: t.Match[str]) -> Source:
    scheme = match.group("scheme").lower()
    if scheme not in TRANSPORTS:
        hint = f" Write {scheme[4:]}:// without git+." if scheme.startswith("git+") else ""
        raise _refusal(option, text, f"sources are fetched by {', '.join(TRANSPORTS)} only.{hint}")
    authority, rest = match.group("authority"), match.group("rest")
    if scheme == "file":
        if authority.lower() not in ("", "localhost") or not rest.startswith("/"):
            raise _refusal(option, text, "a file URL needs an absolute path, as in file:///srv/packs/NAME")
        return _check_path(option, text, rest)
    userinfo, _at, address = authority.rpartition("@")
    server = _SERVER.fullmatch(address)
    if server is None or not 0 < int(server.group("port") or 1) < 65536:
        raise _refusal(option, text, "its host name or port is not a valid one")
    user = userinfo.partition(":")[0]
    if scheme == "ssh" and user and not _USER.fullmatch(user):
        raise _refusal(option, text, "its user name is not a valid one")
    path = rest.partition("?")[0]
    if path in ("", "/") or "\\" in text or "#" in rest:
        raise _refusal(option, text, "its path names no repository, or holds # or \\. Write a version as =VERSION")
    if "@" in path:
        raise _refusal(option, text, "there is an @ in its path. In user names and passwords, write / as %2F")
    clean, credentials = split_userinfo(text)
    clean, secret = _take_query_secret(clean)
    if secret and not credentials:
        # Any user name goes with a token; this one is GitLab's, whose tokens are the ones found in queries.
        credentials = Credentials("oauth2", secret)
    if not f"{credentials.username}{credentials.password}".isprintable():
        raise _refusal(option, text, "its credentials hold control characters")
    return Source(clean, credentials, (_warning(scheme, server.group("host")),) if credentials else ())


def _check_path(option: str, text: str, path: str) -> Source:
    if _normal_path(path) == "/":
        raise _refusal(option, text, "the root directory is no pack")
    return Source(_normal_path(path))


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


def _check_scp(option: str, text: str, match: t.Match[str]) -> Source:
    user, host, path = match.group("user"), match.group("host"), match.group("path")
    if not user and host.lower() in TRANSPORTS and host.lower() != "git":
        raise _refusal(option, text, f"write {host.lower()}:// with two slashes")
    if "@" in path:
        raise _refusal(option, text, "an address like USER@HOST:PATH cannot hold a password; use an https URL")
    if not _HOST.fullmatch(host) or (user and not _USER.fullmatch(user)):
        raise _refusal(option, text, "its user or host name is not a valid one")
    if path.strip("/") == "" or path.startswith("-") or "\\" in path:
        raise _refusal(option, text, "its path names no repository")
    return Source(text)


def check_version(version: str) -> t.Optional[str]:
    """Check a version by git's rules for names of branches and tags (git-check-ref-format); C(None) for none."""
    if not version:
        return None
    _check_text("version", version)
    if _NOT_IN_REFS.search(version):
        hint = " A version is written after a single =." if version.startswith("=") else ""
        raise _refusal("version", version, f"git has no version, tag, branch or commit of that form.{hint}")
    return version


def _check_subdir(text: str) -> t.Optional[str]:
    if not text:
        return None
    _check_text("subdir", text)
    parts = text.split("/")
    if text.startswith(("/", "~", "-")) or ".." in parts or "\\" in text or ".git" in (part.lower() for part in parts):
        raise _refusal("subdir", text, "it must be a directory inside the source, relative to its top")
    normal = os.path.normpath(text)
    return None if normal == "." else normal


def _optional(item: t.Mapping[str, t.Any], key: str) -> t.Optional[str]:
    value = item.get(key)
    if value is not None and not isinstance(value, str):
        raise OptionError(f"The {key} of an item of packs must be a string, not {type(value).__name__}: quote it.")
    return value


def _check_text(option: str, text: str) -> None:
    if not isinstance(text, str):
        raise OptionError(f"{option} must be a string, not {type(text).__name__}: quote it.")
    if not text:
        raise OptionError(f"{option} is empty: name a pack or a source.")
    if text.startswith("-"):
        raise _refusal(option, text, "it must not begin with -, which programs take for an option")
    if len(text) > _LONGEST:
        raise _refusal(option, text, f"it is longer than {_LONGEST} characters")
    if not text.isprintable() or any(character.isspace() for character in text):
        raise _refusal(option, text, "it holds blanks, newlines or control characters. Give several packs as a list")


def _refusal(option: str, value: str, why: str) -> OptionError:
    return OptionError(f'The {option} "{_shown(value)}" cannot be used: {why}{"" if why.endswith(("?", ".")) else "."}')


def _shown(text: str) -> str:
    """A refused text for a message. What stands in front of an C(@) may be a password, in however wrong a URL."""
    head, at, tail = text.rpartition("@")
    if at:
        scheme, slashes, _rest = head.partition("://")
        text = f"{scheme + slashes if slashes else ''}********@{tail}"
    text = "".join(character if character.isprintable() else "?" for character in strip_urls(text))
    return text if len(text) <= 200 else f"{text[:200]}..."
