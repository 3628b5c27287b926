# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of a task that StackStorm itself carries out; those that it cannot carry out are refused."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._argspec import access_options, pack_options, registration_options
from .._backend import refuse_options
from .._pack.argspec import pack_info_options
from .request import ApiRequest, requests_from

_STACKSTORMS_OWN = "StackStorm's own settings apply"
_ACCESS = "StackStorm fetches packs itself, with the access that its server has"
# What can be said to a StackStorm on this machine only.
_MEANINGLESS = {
    "base_path": "StackStorm installs to its packs path",
    "exclusive": "packs that were copied to the server are only visible in files, not in the API",
    "exclusive_empty": "it belongs to exclusive",
    "fail_on_failure": "an installation by StackStorm always registers everything",
    "group": _STACKSTORMS_OWN,
    "http_proxy": _ACCESS,
    "https_proxy": _ACCESS,
    "index_allowed_signers": "StackStorm reads the indexes itself, and does not verify signatures",
    "bundle": "StackStorm fetches packs itself",
    "index_url": "StackStorm uses the indexes in its own settings",
    "keep_releases": "StackStorm does not keep earlier versions",
    "known_hosts_file": _ACCESS,
    "lockfile": "StackStorm fetches packs itself, and can be told neither commits nor digests",
    "lock": "it belongs to lockfile",
    "locked": "it belongs to lockfile",
    "no_proxy": _ACCESS,
    "owner": _STACKSTORMS_OWN,
    "password": _ACCESS,
    "pip_args": _STACKSTORMS_OWN,
    "pip_index_url": _STACKSTORMS_OWN,
    "prune": "the API does not return the files of a pack",
    "purge": "the API removes the pack and its virtualenv, but neither config nor overrides",
    "register_types": "an installation by StackStorm always registers everything",
    "phase": "StackStorm installs a pack in one step",
    "remote_src": "directories of the controller cannot be sent by the API",
    "ssh_key_file": _ACCESS,
    "token": _ACCESS,
    "username": _ACCESS,
    "verify": "the API does not return the files of a pack",
    "verify_signature": "StackStorm fetches packs itself, and does not verify signatures",
    "virtualenv": "StackStorm creates a virtualenv for every pack",
    "virtualenv_backend": _STACKSTORMS_OWN,
}


@dataclass(frozen=True)
class ApiOptions:
    """What a task asks of a StackStorm; every field is the module option of that name, see the documentation of
    M(st2_pack)."""

    requests: t.Tuple[ApiRequest, ...]
    state: str = "present"
    dependencies: str = "install"
    force: bool = False
    index_strict: bool = True
    timeout: float = 600
    allow_downgrade: bool = False


def options_from(params: t.Mapping[str, t.Any]) -> ApiOptions:
    """The options of M(st2_pack) with C(backend=api), from Ansible's parameters.

    :raises OptionError: naming the option that cannot be used, or means nothing to StackStorm's API.
    """
    known = pack_options().merge(access_options()).merge(registration_options()).options
    refuse_options(params, known, _MEANINGLESS, "StackStorm registers what it installs")
    return ApiOptions(
        requests=requests_from(params),
        state=params["state"],
        dependencies=params["dependencies"],
        force=params["force"],
        allow_downgrade=params["allow_downgrade"],
        index_strict=params["index_strict"],
        timeout=params["timeout"],
    )


def refuse_for_info(params: t.Mapping[str, t.Any]) -> None:
    """:raises OptionError: naming the option of M(st2_pack_info) that means nothing to StackStorm's API."""
    known = pack_info_options().merge(access_options()).options
    reasons = {option: why for option, why in _MEANINGLESS.items() if option in known}
    refuse_options(
        params,
        known,
        {**reasons, "sizes": "the API does not return file sizes"},
        "StackStorm's API is all that there is",
    )
