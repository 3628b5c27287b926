# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a task asks for when it splits a repository."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._content.address import Address, check_source
from .._content.names import check_ref
from .._errors import Collected, OptionError
from .._printable import printable

_PLACEHOLDER = "{ref}"


class PackPath(t.NamedTuple):
    """One pack that is to get a repository of its own.

    :arg path: Its directory in the repository.
    :arg name: The ref that it must have; empty where the task does not say.
    :arg former_paths: Directories where it was before.
    :arg target: Where its repository is to be pushed to; C(None) where the task does not say.
    """

    path: str
    name: str = ""
    former_paths: t.Tuple[str, ...] = ()
    target: t.Optional[Address] = None


@dataclass(frozen=True)
class SplitOptions:
    """The options of a task.

    :arg packs: Empty for all that are found.
    :arg repo_url: Template of targets, with C({ref}).
    """

    source: Address
    dest: str
    packs: t.Tuple[PackPath, ...] = ()
    repo_url: t.Optional[str] = None
    push: bool = False

    def target(self, pack: PackPath, ref: str) -> t.Optional[Address]:
        """Where the repository of a pack is to be pushed to."""
        if pack.target or not self.repo_url:
            return pack.target
        return check_source("repo_url", self.repo_url.replace(_PLACEHOLDER, ref))


def options_from(params: t.Mapping[str, t.Any]) -> SplitOptions:
    """The options of a task.

    :raises OptionError: naming every one that cannot be used.
    """
    collected = Collected()
    packs: t.List[PackPath] = []
    sources: t.List[Address] = []
    with collected.one():
        sources.append(check_source("repo", params["repo"]))
    for given in params["packs"] or ():
        with collected.one():
            packs.append(_pack_from(given))
    with collected.one():
        _check_repo_url(params["repo_url"])
    with collected.one():
        if params["packs"] is not None and not params["packs"]:
            raise OptionError("packs is an empty list. Add packs, or remove it for all packs of the repository.")
        _check_twice([path for pack in packs for path in (pack.path, *pack.former_paths)])
    if params["push"] and not params["repo_url"]:
        for pack in packs:
            with collected.one():
                if pack.target is None:
                    raise OptionError(f"The pack at {pack.path} has no url to push to. Set it, or repo_url.")
        with collected.one():
            if not params["packs"]:
                raise OptionError("push requires repo_url for the packs that are found.")
    collected.raise_them()
    return SplitOptions(sources[0], params["dest"], tuple(packs), params["repo_url"], params["push"])


def _pack_from(given: t.Mapping[str, t.Any]) -> PackPath:
    path = _check_path("path", given["path"])
    return PackPath(
        path=path,
        name=check_ref("name", given["name"]) if given.get("name") else "",
        former_paths=tuple(_check_path("former_paths", one) for one in given.get("former_paths") or ()),
        target=check_source("url", given["url"]) if given.get("url") else None,
    )


def path_refusal(path: str) -> t.Optional[str]:
    """Why a directory cannot be the one of a pack, as a clause; C(None) when it can."""
    parts = path.split("/")
    if not path or path.startswith("/") or any(part in ("", ".", "..", ".git") for part in parts):
        return "it must be relative to the root of the repository, without . and .., and not be the root itself"
    if not path.isprintable() or ":" in path or path.startswith("-"):
        return "it contains a colon, a control character or a leading -, which git-filter-repo does not support"
    return None


def _check_path(option: str, path: str) -> str:
    path = path[2:] if path.startswith("./") else path
    path = path.rstrip("/")
    why = path_refusal(path)
    if why:
        raise OptionError(f'The {option} "{printable(path)}" cannot be used: {why}.')
    return path


def _check_repo_url(template: t.Optional[str]) -> None:
    if template is None:
        return
    if _PLACEHOLDER not in template:
        raise OptionError("repo_url has no {ref}: all packs would be pushed to one repository.")
    check_source("repo_url", template.replace(_PLACEHOLDER, "ref"))


def _check_twice(paths: t.Sequence[str]) -> None:
    twice = sorted({path for path in paths if paths.count(path) > 1})
    if twice:
        raise OptionError(f"{twice[0]} is listed twice, but a directory belongs to one pack.")
    for path in paths:
        inside = next((other for other in paths if path.startswith(f"{other}/")), None)
        if inside:
            raise OptionError(f"{path} lies in {inside}, but a directory belongs to one pack.")
