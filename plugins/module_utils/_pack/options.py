# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of a task about packs, checked and typed."""

from __future__ import annotations

import typing as t

from .._content.request import ALL, PackRequest, from_option, given_in, parse_spec
from .._errors import Collected, OptionError
from .._secrets import Credentials, split_userinfo

if t.TYPE_CHECKING:
    from .._lock.document import Lock
    from .bundle_options import Bundle
    from .lock_options import LockedDirectory
    from .signed import Demands


class Options(t.NamedTuple):
    """What a task asks for; every field is the module option of that name, see the documentation of M(st2_pack).

    :arg lock: What C(lockfile) holds; C(lockfile) itself is its name, for messages.
    :arg lock_directories: By ref, where the directories are that are locked; C(lock_on_controller) says on which side.
    :arg lock_is_asked_for: Whether the task names no pack, so that all that is locked is asked for.
    :arg wheels_directory: On this host, what the virtualenvs of locked packs are filled from, and nothing else.
    """

    requests: t.Tuple[PackRequest, ...]
    dependencies: str = "install"
    force: bool = False
    allow_downgrade: bool = False
    virtualenv: str = "auto"
    virtualenv_backend: str = "auto"
    base_path: t.Optional[str] = None
    index_url: t.Optional[t.Tuple[str, ...]] = None
    index_strict: bool = True
    index_allowed_signers: t.Optional[t.Tuple[str, ...]] = None
    credentials: Credentials = Credentials()
    ssh_key_file: t.Optional[str] = None
    known_hosts_file: t.Optional[str] = None
    proxy: t.Mapping[str, t.Optional[str]] = {}
    pip_args: t.Tuple[str, ...] = ()
    pip_index_url: t.Optional[str] = None
    verify: str = "fast"
    keep_releases: int = 1
    purge: bool = False
    exclusive: bool = False
    timeout: float = 600
    owner: t.Optional[str] = None
    group: t.Optional[str] = None
    register_types: t.Tuple[str, ...] = ()
    fail_on_failure: bool = True
    prune: bool = False
    signatures: t.Optional[Demands] = None
    lock: t.Optional[Lock] = None
    lockfile: str = ""
    locked: str = "strict"
    lock_directories: t.Mapping[str, LockedDirectory] = {}
    lock_on_controller: bool = False
    lock_is_asked_for: bool = False
    wheels_directory: t.Optional[str] = None
    bundle: t.Optional[Bundle] = None

    def __repr__(self) -> str:
        return f"Options({self.requests!r}, ...)"  # Addresses may hold secrets.

    def secrets(self) -> t.List[str]:
        """Every secret in the options, for the redactor."""
        found = [self.credentials.password]
        found += [request.credentials.password for request in self.requests]
        for url in (*(self.index_url or ()), self.pip_index_url or "", *self.proxy.values()):
            found.append(split_userinfo(url or "")[1].password)
        return [secret for secret in found if secret]


def options_from(params: t.Mapping[str, t.Any]) -> Options:
    """The options of M(st2_pack) from Ansible's parameters.

    :raises OptionError: naming every option that cannot be used.
    """
    requests, lock = requests_from(params), {}
    if params["lockfile"] is not None or params["bundle"] is not None:
        from .lock_options import lock_options, requests_for_all

        found = lock_options(params)
        lock = found._asdict()
        if found.lock_is_asked_for:
            requests = requests_for_all(found.lock, params)
    _check_exclusive(params, requests)
    if params["purge"] and requests and not params["exclusive"] and all(one.state != "absent" for one in requests):
        raise OptionError("purge requires state=absent or exclusive, since it removes what belongs to removed packs.")
    if params["keep_releases"] < 0:
        raise OptionError(f"keep_releases is {params['keep_releases']}; the least is 0.")
    index_url, signers = params["index_url"], params["index_allowed_signers"]
    return Options(
        requests=tuple(requests),
        dependencies=params["dependencies"],
        force=params["force"],
        allow_downgrade=params["allow_downgrade"],
        virtualenv=params["virtualenv"],
        virtualenv_backend=params["virtualenv_backend"],
        base_path=params["base_path"],
        index_url=tuple(index_url) if index_url else None,
        index_strict=params["index_strict"],
        index_allowed_signers=None if signers is None else tuple(signers),
        credentials=Credentials(params["username"] or "", params["password"] or params["token"] or ""),
        ssh_key_file=params["ssh_key_file"],
        known_hosts_file=params["known_hosts_file"],
        proxy={name: params[name] for name in ("http_proxy", "https_proxy", "no_proxy", "ca_bundle")},
        pip_args=tuple(params["pip_args"] or ()),
        pip_index_url=params["pip_index_url"],
        verify=params["verify"],
        keep_releases=params["keep_releases"],
        purge=params["purge"],
        exclusive=params["exclusive"],
        timeout=params["timeout"],
        owner=params["owner"],
        group=params["group"],
        register_types=tuple(params["register_types"] or ()),
        fail_on_failure=params["fail_on_failure"],
        prune=params["prune"],
        signatures=_signatures(params, requests),
        **lock,
    )


def _signatures(params: t.Mapping[str, t.Any], requests: t.Sequence[PackRequest]) -> t.Optional[Demands]:
    if all(item.get("verify_signature") is None for item in (params, *(params["packs"] or ()))):
        return None
    from .signed import demands_of

    return demands_of(params, requests)


def _check_exclusive(params: t.Mapping[str, t.Any], requests: t.Sequence[PackRequest]) -> None:
    if not params["exclusive"]:
        return
    if params["state"] == "absent":
        raise OptionError(
            "exclusive goes with state=present and state=latest only: with state=absent the task would name what is to "
            "go and remove everything else."
        )
    if not [one for one in requests if one.state != "absent"] and not params["exclusive_empty"]:
        raise OptionError(
            "exclusive with an empty list would remove every pack of this host. If the list is meant to be empty, set "
            "exclusive_empty to true."
        )


def requests_from(params: t.Mapping[str, t.Any]) -> t.List[PackRequest]:
    """The requests of C(name), then those of C(packs), each with its own state.

    :raises OptionError: naming every one that cannot be used.
    """
    beside, collected = params["password"] or params["token"], Collected()
    found: t.List[PackRequest] = []
    for given in given_in(params):
        with collected.one():
            request = (
                _installed(params)
                if given == ALL
                else parse_spec(given)
                if isinstance(given, str)
                else from_option(given)
            )
            warnings = () if beside and not request.credentials.password else request.warnings  # An account alone.
            request = request._replace(state=request.state or params["state"], warnings=warnings)
            found.append(request if params["remote_src"] else _of_controller(request))
    collected.raise_them()
    return found


def _installed(params: t.Mapping[str, t.Any]) -> PackRequest:
    from .all_installed import request_for_all

    return request_for_all(params)


def _of_controller(request: PackRequest) -> PackRequest:
    if request.kind != "path":
        return request
    if request.digest is None:
        raise OptionError(
            f"{request.requested} is a directory on the controller (remote_src=false), but what it holds was not sent. "
            "Run the module by Ansible, which reads it, or give its digest."
        )
    return request._replace(controller=True)
