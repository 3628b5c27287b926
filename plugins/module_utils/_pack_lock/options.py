# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of a task that makes a lock, checked and typed."""

from __future__ import annotations

import os
import re
import typing as t

from .._content.names import check_ref, refusal
from .._content.request import PackRequest, from_option, parse_spec
from .._content.yaml_values import not_text
from .._errors import Collected, OptionError
from .._lock.document import Platform
from .._lock.places import relative_place
from .._pack.signed import Demands, refuse_directory
from .._secrets import Credentials, split_userinfo
from .._source.signature_policy import Policy, policy_from
from .argspec import pack_keys

_PYTHON = re.compile(r"3\.[0-9]{1,3}")
_TAG = re.compile(r"[a-z0-9][a-z0-9_]{0,100}")


class LockOptions(t.NamedTuple):
    """What a task asks for; every field is the module option of that name, see M(stackstorm.st2.st2_pack_lock).

    :arg requests: Those of directories of the controller are told by L(PackRequest.controller), and C(requested) is
        then as a lock has it.
    :arg update: The refs that are renewed; C(None) for all.
    :arg platforms: C(None) for those of the lock that is there.
    :arg signatures: What C(verify_signature) of the task and its items asks for; C(None) for nothing.
    """

    path: str
    requests: t.Tuple[PackRequest, ...]
    update: t.Optional[t.FrozenSet[str]] = None
    platforms: t.Optional[t.Tuple[Platform, ...]] = None
    pip_index_url: t.Optional[str] = None
    index_url: t.Tuple[str, ...] = ()
    index_strict: bool = True
    index_allowed_signers: t.Optional[t.Tuple[str, ...]] = None
    credentials: Credentials = Credentials()
    ssh_key_file: t.Optional[str] = None
    known_hosts_file: t.Optional[str] = None
    proxy: t.Mapping[str, t.Optional[str]] = {}
    timeout: float = 600
    signatures: t.Optional[Demands] = None

    def __repr__(self) -> str:
        return f"LockOptions({self.path!r}, ...)"  # Addresses may hold secrets.

    def secrets(self) -> t.List[str]:
        """Every secret in the options, for the redactor."""
        found = [self.credentials.password, *(request.credentials.password for request in self.requests)]
        urls = (*self.index_url, self.pip_index_url or "", *self.proxy.values())
        found += [split_userinfo(url or "")[1].password for url in urls]
        return [secret for secret in found if secret]


def options_from(params: t.Mapping[str, t.Any]) -> LockOptions:
    """The options of M(st2_pack_lock) from Ansible's parameters.

    :raises OptionError: naming every option that cannot be used.
    """
    collected = Collected()
    path = params["path"]
    with collected.one():
        _check_path(path)
    requests: t.List[PackRequest] = []
    policy: t.Optional[Policy] = None
    own: t.Dict[int, Policy] = {}
    with collected.one():
        policy = policy_from(params["verify_signature"])
    named = [(parse_spec, name) for name in params["name"] or ()]
    for read, given in (*named, *((_from_item, item) for item in params["packs"] or ())):
        with collected.one():
            request = _here(read(given), params["remote_src"], os.path.dirname(os.path.normpath(path)))
            if request.state == "absent":
                continue
            requests.append(request)
            asked = policy_from(given.get("verify_signature")) if isinstance(given, dict) else None
            if asked:
                own[id(request)] = asked
            if asked or policy:
                refuse_directory(request)
    update: t.List[str] = []
    for ref in params["update"] or ():
        with collected.one():
            update.append(check_ref("ref of update", ref))
    platforms: t.List[Platform] = []
    for given in params["platforms"] or ():
        with collected.one():
            platforms.append(_platform(given))
    collected.raise_them()
    signers = params["index_allowed_signers"]
    return LockOptions(
        path=os.path.normpath(path),
        requests=tuple(requests),
        update=None if params["update"] is None else frozenset(update),
        platforms=None if params["platforms"] is None else tuple(sorted(set(platforms))),
        pip_index_url=params["pip_index_url"],
        index_url=tuple(params["index_url"] or ()),
        index_strict=params["index_strict"],
        index_allowed_signers=None if signers is None else tuple(signers),
        credentials=Credentials(params["username"] or "", params["password"] or params["token"] or ""),
        ssh_key_file=params["ssh_key_file"],
        known_hosts_file=params["known_hosts_file"],
        proxy={name: params[name] for name in ("http_proxy", "https_proxy", "no_proxy", "ca_bundle")},
        timeout=params["timeout"],
        signatures=Demands(policy, own, follow=True) if policy or own else None,
    )


def _check_path(path: str) -> None:
    if not os.path.isabs(path) or not path.isprintable():
        raise refusal("path", path, "it must be the absolute path of a file, without control characters")
    if os.path.isdir(path):
        raise refusal("path", path, "it is a directory, and a lock is a file")
    parent = os.path.dirname(os.path.normpath(path))
    if not os.path.isdir(parent):
        raise OptionError(f"The directory {parent}, in which the lock should be created, does not exist. Create it.")


def _from_item(given: t.Any) -> PackRequest:
    """An item of C(packs), in which what is not about where the pack comes from means nothing here."""
    if not isinstance(given, t.Mapping):
        raise OptionError(
            "An item of packs is not a dictionary. Write it as a dictionary with name, source and version."
        )
    item = {"name" if key == "pack" else key: value for key, value in given.items()}
    unknown = sorted(str(key) for key in item if key not in pack_keys())
    if unknown:
        raise OptionError(
            f"An item of packs has {', '.join(unknown)}, which st2_pack does not know: it takes "
            f"{', '.join(sorted(pack_keys()))}."
        )
    return from_option(item)


def _here(request: PackRequest, remote_src: bool, beside: str) -> PackRequest:
    """A request as a lock in the directory C(beside) has it.

    :raises OptionError: for what cannot be locked.
    """
    if request.kind != "path" or request.state == "absent":
        return request
    if remote_src:
        raise OptionError(
            f"{request.requested} is a directory on the targets, whose content is not known here, so it cannot be "
            "locked. Set remote_src=false if it is on the controller, or use a repository."
        )
    source = os.path.normpath(os.path.join(_path_of(request.source or ""), request.subdir or ""))
    place = relative_place(source, beside)
    return request._replace(requested=place, source=source, subdir=None, version=None, controller=True)


def _path_of(source: str) -> str:
    return source[len("file://") :] if source.startswith("file://") else source


def _platform(given: t.Mapping[str, t.Any]) -> Platform:
    version, abi, platform = given["version"], given["abi"], given["platform"]
    if not isinstance(version, str):
        raise not_text("The version in platforms", version)
    if not _PYTHON.fullmatch(version):
        raise refusal("version in platforms", version, "it is one of Python 3, such as 3.11")
    for name, tag in (("abi", abi), ("platform", platform)):
        if not _TAG.fullmatch(tag):
            raise refusal(f"{name} in platforms", tag, "take what st2_pack_info returns as python")
    return Platform(version, abi, platform)
