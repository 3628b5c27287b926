# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Requests for packs that StackStorm itself is to fetch: only such as it reads the way they are meant."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._content.names import check_ref
from .._content.request import ALL, PackRequest, from_option, given_in, parse_spec
from .._content.versions import is_semver
from .._errors import Collected, OptionError

# st2common/constants/pack.py
_SEPARATOR = "="


@dataclass(frozen=True)
class ApiRequest:
    """One pack that StackStorm is asked for.

    :arg requested: The request as written, for messages and results.
    :arg ref: The ref that the pack has: the name in the index, the one that the task insists on, or what the name of
        the repository suggests.
    :arg address: Name in the index, or URL; C(file://) is a place on StackStorm's server.
    :arg version: A release, C(1.0.2) or C(v1.0.2).
    """

    requested: str
    ref: str
    address: str
    version: t.Optional[str] = None

    @property
    def is_name(self) -> bool:
        """Whether StackStorm looks it up in its index."""
        return "/" not in self.address


def requests_from(params: t.Mapping[str, t.Any]) -> t.Tuple[ApiRequest, ...]:
    """The requests of a task.

    :raises St2Error: naming all that StackStorm would read in another way, and all of which its API cannot tell
        afterwards whether they are fulfilled.
    """
    collected = Collected()
    found: t.List[ApiRequest] = []
    for given in given_in(params):
        with collected.one():
            if isinstance(given, str):
                if given == ALL:
                    raise OptionError(
                        'The name "*" is for all packs whose files are on the host, and no request for backend=api. '
                        "Name the packs, such as those that st2_pack_info lists with backend=api."
                    )
                written, request = given, parse_spec(given)
            else:
                written, request = str(given.get("source") or given.get("name")), from_option(given)
                _check_item(given, request, params["state"])
            found.append(api_request(written, request))
    collected.raise_them()
    return tuple(found)


def _check_item(item: t.Mapping[str, t.Any], request: PackRequest, state: str) -> None:
    """:raises OptionError: for what an item asks beside its pack, about which nothing would be done."""
    if item.get("overrides") is not None:
        raise _refusal(
            request,
            "it has overrides, which are files that StackStorm's API cannot write. Use st2_override on "
            "the host, or backend=local",
        )
    if item.get("verify_signature") is not None:
        raise _refusal(request, "StackStorm fetches packs itself, and does not verify signatures (verify_signature)")
    if request.state not in (None, state):
        raise _refusal(request, f"its state is {request.state}, and the task's {state}. Use a separate task")


def api_request(written: str, request: PackRequest) -> ApiRequest:
    """One request as StackStorm is asked.

    :arg written: Its source or name as it was written; C(request) does not tell C(file://) from a plain path.
    :raises OptionError: as L(requests_from).
    """
    _check_form(request)
    address = _address(written, request)
    version = request.version
    if version and not is_release(version):
        raise _refusal(
            request,
            f"StackStorm's API tells the version of a pack and nothing of branches, commits and other tags, so nobody "
            f"could say whether {version} is installed. Ask for a release (1.0.2), or work on the host with "
            "backend=local",
        )
    spec = f"{address}{_SEPARATOR}{version}" if version else address
    if stackstorm_reads(spec) != (address, version) or request.is_name != ("/" not in address):
        read, _version = stackstorm_reads(spec)
        raise _refusal(request, f"StackStorm would read it as {read}. Write an https:// or ssh:// URL without =")
    ref = request.expected_ref or guessed_refs(address)[-1]
    if not request.expected_ref:
        try:
            check_ref("name", ref)
        except OptionError:
            raise _refusal(
                request,
                "the ref of the pack cannot be derived from the name of the repository. Use packs, with source "
                "and name",
            ) from None
    return ApiRequest(request.requested, ref, address, version)


def stackstorm_reads(spec: str) -> t.Tuple[str, t.Optional[str]]:
    """Name or URL, and version, that StackStorm takes out of a request.

    st2common/util/pack_management.py get_repo_url, eval_repo_url: it splits at every C(=) and forgets what is
    behind the second one, and takes whatever has two parts for a repository on GitHub.
    """
    address, *rest = spec.split(_SEPARATOR)
    version = (rest[0] or None) if rest else None
    plain = "/" not in address or address.startswith(("gitlab@", "file://"))
    if not plain and len(address.split("/")) == 2 and "git@" not in address:
        return f"https://github.com/{address}", version
    return address, version


def guessed_refs(address: str) -> t.Tuple[str, ...]:
    """The refs that StackStorm takes an address for, in its order (pack_mgmt/get_pack_dependencies.py)."""
    guess = address.rstrip("/").split("/")[-1]
    if ".git" in guess and "/" in address:
        guess = guess.split(".")[0]
    after = guess.rpartition("stackstorm-")[2]
    return (guess,) if after == guess else (guess, after)


def is_release(version: str) -> bool:
    """Whether it can be compared with the version that StackStorm has of a pack: C(1.0.2) and C(v1.0.2)."""
    return is_semver(version[1:] if version.startswith("v") else version)


def _check_form(request: PackRequest) -> None:
    if request.credentials:
        raise _refusal(
            request,
            "there are credentials in it, and everybody who may look at StackStorm's executions would see them. "
            "Give the account of st2actionrunner access to the repository, by its SSH key or git's configuration",
        )
    if request.subdir:
        raise _refusal(request, "StackStorm only installs whole repositories, not a subdir of one")
    if request.digest or request.upload:
        raise _refusal(request, "StackStorm's API does not support digests and files")


def _address(written: str, request: PackRequest) -> str:
    if request.kind != "path":
        return request.name or request.source or ""
    if not written.lower().startswith("file://"):
        raise _refusal(
            request,
            f"StackStorm's API cannot send directories of this machine. For a directory on StackStorm's server, use "
            f"file://{request.source}",
        )
    return f"file://{request.source}"


def _refusal(request: PackRequest, why: str) -> OptionError:
    return OptionError(f"{request.requested} cannot be used with backend=api: {why}.")
