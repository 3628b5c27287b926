# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of a task about an index, checked and typed."""

from __future__ import annotations

import os
import re
import typing as t

from .._content.address import check_source
from .._content.names import check_ref, refusal
from .._content.request import PackRequest, from_option, parse_spec
from .._errors import Collected, InvalidPackError, OptionError
from .._secrets import Credentials, split_userinfo
from .entry import Entry
from .plain import plain

_PACK_KEYS = ("name", "version", "source", "subdir")
_PLACE = "{ref}"


class IndexOptions(t.NamedTuple):
    """What a task asks for; every field is the module option of that name, see the documentation of M(st2_index).

    :arg skip_refused: Whether a version that cannot be listed only keeps itself out of the index, and not its pack.
    :arg in_place: Whether repositories that are bare ones of this host are read where they are, without a clone. Nobody
        else may write their settings.
    """

    path: str
    requests: t.Tuple[PackRequest, ...] = ()
    entries: t.Mapping[str, Entry] = {}
    index_url: t.Tuple[str, ...] = ()
    index_strict: bool = True
    index_allowed_signers: t.Optional[t.Tuple[str, ...]] = None
    include: t.Tuple[str, ...] = ()
    exclude: t.Tuple[str, ...] = ()
    repo_url: t.Optional[str] = None
    revision: str = "tag"
    on_invalid: str = "fail"
    skip_refused: bool = False
    in_place: bool = False
    sign_key: t.Optional[str] = None
    page: bool = False
    page_assets: t.Optional[str] = None
    credentials: Credentials = Credentials()
    ssh_key_file: t.Optional[str] = None
    known_hosts_file: t.Optional[str] = None
    proxy: t.Mapping[str, t.Optional[str]] = {}
    timeout: float = 600

    def __repr__(self) -> str:
        return f"IndexOptions({self.path!r}, ...)"  # Addresses may hold secrets.

    def secrets(self) -> t.List[str]:
        """Every secret in the options, for the redactor."""
        found = [self.credentials.password, *(request.credentials.password for request in self.requests)]
        found += [split_userinfo(url or "")[1].password for url in (*self.index_url, *self.proxy.values())]
        return [secret for secret in found if secret]

    def published_url(self, ref: str, source: str) -> str:
        """The C(repo_url) that the index has for a pack.

        :arg source: Where it was read from, clean of credentials.
        """
        return self.repo_url.replace(_PLACE, ref) if self.repo_url else source


def options_from(params: t.Mapping[str, t.Any]) -> IndexOptions:
    """The options of M(st2_index) from Ansible's parameters.

    :raises OptionError: naming every option that cannot be used.
    """
    collected = Collected()
    requests: t.List[PackRequest] = []
    entries: t.Dict[str, Entry] = {}
    with collected.one():
        _check_path(params["path"])
    with collected.one():
        _check_repo_url(params["repo_url"])
    for given in params["packs"] or ():
        with collected.one():
            requests.append(_request(given, params))
    for ref, given in (params["entries"] or {}).items():
        with collected.one():
            entries[check_ref("ref of entries", ref)] = _entry(ref, given)
    collected.raise_them()
    signers = params["index_allowed_signers"]
    return IndexOptions(
        path=os.path.normpath(params["path"]),
        requests=tuple(requests),
        entries=entries,
        index_url=tuple(params["index_url"] or ()),
        index_strict=params["index_strict"],
        index_allowed_signers=None if signers is None else tuple(signers),
        include=tuple(params["include"] or ()),
        exclude=tuple(params["exclude"] or ()),
        repo_url=params["repo_url"],
        revision=params["revision"],
        on_invalid=params["on_invalid"],
        sign_key=params["sign_key"],
        page=params["page"],
        page_assets=params["page_assets"],
        credentials=Credentials(params["username"] or "", params["password"] or params["token"] or ""),
        ssh_key_file=params["ssh_key_file"],
        known_hosts_file=params["known_hosts_file"],
        proxy={name: params[name] for name in ("http_proxy", "https_proxy", "no_proxy", "ca_bundle")},
        timeout=params["timeout"],
    )


def _check_path(path: str) -> None:
    if not os.path.isabs(path):
        raise refusal("path", path, "it must be an absolute path")
    if os.path.normpath(path).strip("/") == "" or not path.isprintable():
        raise refusal("path", path, "it must be a directory below the root, without control characters in its name")


def _check_repo_url(template: t.Optional[str]) -> None:
    if template is None:
        return
    if _PLACE not in template or re.search(r"[{}]", template.replace(_PLACE, "")):
        raise refusal("repo_url", template, f"it is one address for all packs, in which {_PLACE} stands for their refs")
    if check_source("repo_url", template.replace(_PLACE, "ref")).credentials:
        raise refusal("repo_url", template, "everybody who reads the index would see the credentials in it")


def _request(given: t.Any, params: t.Mapping[str, t.Any]) -> PackRequest:
    if isinstance(given, t.Mapping):
        # As the alias in other modules.
        given = {"name" if key == "pack" else key: value for key, value in given.items()}
        unknown = sorted(str(key) for key in given if key not in _PACK_KEYS)
        if unknown:
            raise OptionError(
                f"An item of packs has {', '.join(unknown)}: only {', '.join(_PACK_KEYS[:-1])} are supported here."
            )
        request = from_option(given)
    else:
        request = parse_spec(given)
    if request.subdir:
        raise OptionError(
            f"{request.requested} cannot be listed with subdir ({request.subdir}): StackStorm installs a pack that an "
            "index lists from the root of its repository only. Move the pack to its own repository."
        )
    if request.is_name and not params["index_url"]:
        raise OptionError(f"{request.requested} is a name, and there is no index_url to look it up in.")
    if not request.is_name and not params["repo_url"] and (request.source or "").startswith("/"):
        raise OptionError(
            f"{request.requested} is a place on this host, from which no other host installs: give repo_url, the "
            f"address that StackStorm clones from, such as https://git.example.com/{_PLACE}.git."
        )
    return request


def _entry(ref: str, given: t.Any) -> Entry:
    if not isinstance(given, t.Mapping):
        raise OptionError(f"The entry of {ref} in entries is not a mapping.")
    url = given.get("repo_url")
    if not isinstance(url, str) or not url:
        raise OptionError(f"The entry of {ref} in entries has no repo_url, so it cannot be installed.")
    address = check_source("repo_url", url)
    if address.credentials:
        raise refusal("repo_url", url, "everybody who reads the index would see the credentials in it")
    try:
        entry: Entry = plain(given)
    except InvalidPackError as error:
        raise OptionError(f"The entry of {ref} in entries cannot be used. {error.message}") from error
    return {**entry, "repo_url": address.url}
