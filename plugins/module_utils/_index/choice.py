# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which commit of a repository an index describes, and which versions it lists."""

from __future__ import annotations

import re
import typing as t

from .._content.versions import is_semver, same_version
from .._errors import InvalidPackError
from .._secrets import strip_urls
from .._source.refs import Refs, look_up
from .describe import Description
from .inspection import Judge
from .repository import IndexedRepository

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")
# Tags whose pack.yaml says another version are passed over; a repository in which so many do has another rule.
_MOST_TRIED = 20
# The Exchange asks GitHub for no more.
_MOST_PUBLISHED = 100


class Chosen(t.NamedTuple):
    """What an index says of a repository.

    :arg version: What is to be installed when nobody asks for a version: a version, or the name of a branch or commit
        where no tag of that version leads to what is described.
    :arg commit: What C(version) means; C(None) where nothing or something else.
    :arg described: The commit that is described.
    """

    description: Description
    version: str
    commit: t.Optional[str]
    versions: t.Tuple[str, ...]
    warnings: t.Tuple[str, ...] = ()
    described: t.Optional[str] = None


def choose(
    repository: IndexedRepository,
    revision: str,
    *,
    asked: t.Optional[str] = None,
    name: t.Optional[str] = None,
    judge: t.Optional[Judge] = None,
) -> Chosen:
    """The commit to describe, described.

    :arg revision: C(tag), the highest version that is tagged, and no pre-release while there is a release; C(branch),
        the tip of the default branch; C(published), as the Exchange chooses.
    :arg asked: The version that the task names for this pack, whatever C(revision) is.
    :arg name: The ref that the pack should have.
    :arg judge: Takes note of versions that cannot be listed, which are skipped. Without one, they are errors.
    :raises SourceError: when the repository cannot be read.
    :raises InvalidPackError: when there is nothing to describe, or what there is cannot be installed.
    """
    refs = repository.refs
    if asked:
        found = look_up(refs, asked)
        commit = found.commit if found else asked if _COMMIT.match(asked) else repository.find(asked)
        return _of_commit(repository, commit, asked, name, judge)
    if revision == "branch":
        if refs.head is None:
            raise InvalidPackError(f"{_shown(repository)} has no default branch to list.")
        return _of_commit(repository, refs.head, refs.default or refs.head, name, judge)
    if revision == "published":
        return _published(repository, name, judge)
    return _tagged(repository, name, judge)


def _tagged(repository: IndexedRepository, name: t.Optional[str], judge: t.Optional[Judge]) -> Chosen:
    refs = repository.refs
    versions = refs.versions()
    if not versions:
        raise InvalidPackError(
            f"{_shown(repository)} has no tag that is a version, such as v1.0.0. Tag a release, or list its branch "
            "(revision: branch)."
        )
    releases = [version for version in versions if "-" not in version.partition("+")[0]]
    passed: t.List[str] = []
    chosen: t.Optional[Chosen] = None
    for version in [*releases, *(one for one in versions if one not in releases)][:_MOST_TRIED]:
        found = look_up(refs, version)
        if found is None:
            continue
        description = _sound(repository, found.commit, version, name, strict=True, judge=judge)
        if description is None:
            continue
        if same_version(description.version, version):
            chosen = chosen or Chosen(description, version, found.commit, (), tuple(passed), found.commit)
            if judge and judge.is_thorough:
                continue
            break
        told = f"the tag of {version} contains version {description.version} of {description.ref}"
        if judge and judge.is_thorough:
            judge.refuse(version, found.commit, description, f"{_shown(repository)}: {told}.")
        elif chosen is None:
            passed.append(f"{_shown(repository)}: {told} and was skipped.")
    if chosen is None:
        raise _nothing_listed(repository, versions[0], judge)
    refused = judge.refused if judge else {}
    return chosen._replace(versions=tuple(version for version in versions if version not in refused))


def _nothing_listed(repository: IndexedRepository, highest: str, judge: t.Optional[Judge]) -> InvalidPackError:
    refused = next(iter(judge.refused.values()), None) if judge else None
    if refused:
        return InvalidPackError(refused.reason, ref=refused.ref or None)
    return InvalidPackError(
        f"{_shown(repository)} has no tag whose pack.yaml has the same version. The highest is {highest}."
    )


def _of_commit(
    repository: IndexedRepository, commit: str, asked: str, name: t.Optional[str], judge: t.Optional[Judge]
) -> Chosen:
    description = _sound(repository, commit, asked, name, strict=True, judge=judge)
    if description is None:
        raise _nothing_listed(repository, asked, judge)
    meant = look_up(repository.refs, description.version)
    version = description.version if meant and meant.commit == commit else asked
    return Chosen(description, version, commit, tuple(repository.refs.versions()), described=commit)


def _published(repository: IndexedRepository, name: t.Optional[str], judge: t.Optional[Judge]) -> Chosen:
    """As .github/workflows/index-update.yaml and .circle/index.py of StackStorm-Exchange/ci choose it."""
    commit = repository.newest_tagged() if repository.refs.tags else None
    if commit is None:
        raise InvalidPackError(f"{_shown(repository)} has no tags, and the Exchange only lists repositories with tags.")
    description = _sound(repository, commit, "its newest tag", name, strict=False, judge=judge)
    if description is None:
        raise _nothing_listed(repository, commit, judge)
    meant = look_up(repository.refs, description.version)
    same = meant is not None and meant.commit == commit
    warnings = [] if same else [_elsewhere(repository, description, commit, meant.commit if meant else None)]
    return Chosen(
        description,
        description.version,
        commit if same else None,
        tuple(published_versions(repository.refs)),
        tuple(warnings),
        commit,
    )


def published_versions(refs: Refs) -> t.List[str]:
    """The C(versions) of the Exchange: of the last hundred tags those that begin with v, every v taken out, in the
    order of letters, last first (.circle/index.py get_available_versions)."""
    names = sorted(refs.tags)[-_MOST_PUBLISHED:]
    return sorted({name.replace("v", "") for name in names if name.startswith("v")}, reverse=True)


def _elsewhere(repository: IndexedRepository, description: Description, commit: str, meant: t.Optional[str]) -> str:
    found = f"is commit {meant[:7]}" if meant else "is not there"
    return (
        f"{_shown(repository)}: {description.ref} {description.version} is described as of commit {commit[:7]}, and "
        f"its version {description.version} {found}."
    )


def _sound(
    repository: IndexedRepository,
    commit: str,
    what: str,
    name: t.Optional[str],
    *,
    strict: bool,
    judge: t.Optional[Judge],
) -> t.Optional[Description]:
    """The description of a commit whose pack can be listed; C(None) when the judge has taken note of one that cannot.

    :raises InvalidPackError: without a judge, when it cannot be.
    """
    description = repository.describe(commit, name)
    problem = description.problem or (description.content_problem if strict else None)
    reason = None
    if problem:
        label = f"version {what}" if is_semver(what) else what
        reason = f"{_shown(repository)} at {label} ({commit[:7]}) cannot be listed: {problem}"
    if judge:
        return None if judge.refuses(what, commit, description, reason) else description
    if reason:
        raise InvalidPackError(reason, ref=description.ref)
    return description


def _shown(repository: IndexedRepository) -> str:
    return strip_urls(repository.url)
