# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_index_info): what indexes have, and how they are."""

from __future__ import annotations

import time
import typing as t

from .._content.names import check_ref
from .._deadline import Deadline
from .._errors import IndexError_
from .._index_info.argspec import check_options
from .._index_info.health import (
    Problem,
    age_of,
    index_problems,
    installable,
    places,
    shadowed,
    summary,
    upstream_problems,
)
from .._index_info.search import Entry, merge, search, search_fields
from .._pack.satisfaction import is_latest
from .._printable import printable
from .._secrets import strip_urls
from .._source.index import IndexEntry
from .._st2.conf import DEFAULTS, split_list
from .._task import Result, Task
from .index_reading import IndexReading

if t.TYPE_CHECKING:
    from .._content.installed import Installation
    from .._source.git_program import Git

Row = t.Dict[str, t.Any]
_SHOWN = ("name", "version", "description", "author", "keywords")
# Of an index that is wrong from one end to the other, more is of no use.
_MOST_PROBLEMS = 1000


def describe_indexes(task: Task) -> Result:
    """Search indexes, show packs of them, and check them, as a task asks.

    :raises St2Error: for options and hosts that cannot be used, and where there is nothing to look into.
    """
    check_options(task.params)
    for name in task.params["name"] or ():
        check_ref("name", name)
    if task.params["backend"] == "api":
        return _describe_by_api(task)
    return _Description(task).result()


class _Description:
    def __init__(self, task: Task) -> None:
        self._task = task
        self._params = task.params
        self._deadline = Deadline(task.params["timeout"])
        host = task.found_host
        urls = host.index_urls if host else split_list(DEFAULTS[("content", "index_url")])
        self._reading = IndexReading(task, urls, self._deadline)
        self._indexes = self._reading.read()
        self._installation = self._installed()
        self._places = places(self._indexes)

    def result(self) -> Result:
        indexes, params, now = self._indexes, self._params, time.time()
        statuses = [self._status(position, now) for position in range(len(indexes.statuses))]
        unread = [status for status in indexes.statuses if status.error]
        problems = list(index_problems(indexes.statuses, now=now, max_age=params["max_age"]))
        returned: t.Dict[str, t.Any] = {"indexes": statuses, "health": summary(statuses)}
        looked_at = list(indexes.entries)
        failure = None
        wanted = params["query"] is not None or bool(params["name"])
        if wanted or not (params["checks"] or params["max_age"]):
            if len(unread) == len(indexes.statuses) and wanted:
                words = "; ".join(f"{status.url}: {status.error}: {status.message}" for status in unread)
                failure = IndexError_(f"No pack index can be read: {words or 'none is configured. Set index_url.'}")
            found, missing = self._found()
            looked_at = [ref for ref, _entry, _field in found]
            rows = [self._row(ref, entry, field) for ref, entry, field in found[: params["limit"] or None]]
            returned.update(packs=rows, found=len(found), missing=missing)
        if not failure:
            problems += self._checks([indexes.entries[ref] for ref in looked_at])
            if "outdated" in params["checks"]:
                returned["outdated"] = self._outdated()
        returned.update(_told(problems))
        return Result(
            msg=_line(returned, params, problems),
            returned=returned,
            warnings=[*self._reading.warnings, *self._warnings()],
            failure=failure,
        )

    def _warnings(self) -> t.Iterator[str]:
        if self._params["checks"]:
            return  # They are problems in the result.
        for status in self._indexes.statuses:
            if status.error:
                yield f"The index {status.url} cannot be read ({status.error}): {status.message}"

    def _status(self, position: int, now: float) -> Row:
        status = self._indexes.statuses[position]
        age = age_of(status, now)
        return {
            "url": status.url,
            "packs": status.packs,
            "serves": sum(entry.position == position for entry in self._indexes.entries.values()),
            "message": status.message,
            "error": status.error,
            "generated_ts": status.generated,
            "age": None if age is None else int(age),
            "serial": status.serial,
            "signer": status.signer,
        }

    def _found(self) -> t.Tuple[t.List[t.Tuple[str, Entry, t.Optional[str]]], t.List[str]]:
        """The packs that the task is about, each with the field that it was found by; and the names that are none."""
        params = self._params
        packs = merge(self._indexes.listed)
        if params["name"]:
            names = list(dict.fromkeys(params["name"]))
            there = [name for name in names if name in self._indexes.entries]
            return [(name, packs.get(name, {}), None) for name in there], [one for one in names if one not in there]
        if params["query"] is None:
            return [(ref, packs[ref], None) for ref in sorted(packs)], []
        case_sensitive = params["case_sensitive"]
        if params["fields"]:
            found = search_fields(packs, params["query"], params["fields"], case_sensitive=case_sensitive)
        else:
            found = search(packs, params["query"], case_sensitive=case_sensitive)
        return [(match.ref, match.entry, match.field) for match in found], []

    def _row(self, ref: str, entry: Entry, field: t.Optional[str]) -> Row:
        known = self._indexes.entries[ref]
        row = _row(ref, known.raw)
        row["index_url"] = known.index_url
        row["also_in"] = [self._indexes.statuses[position].url for position in self._places[ref][1:]]
        row["problem"] = self._problem(ref)
        if self._params["query"] is not None:
            row["matched"] = field
        if self._params["name"]:
            row.update(versions=list(known.versions), commit=known.commit, digest=known.digest, entry=_clean(known.raw))
        if self._installation:
            pack = self._installation.get(ref)
            row["installed_version"] = pack.version if pack else None
        return row

    def _problem(self, ref: str) -> t.Optional[str]:
        """Why a task could not install a pack by its name."""
        try:
            self._indexes.lookup(ref, strict=self._params["index_strict"]).wanted_version(None)
        except IndexError_ as error:
            return error.message
        return None

    def _checks(self, entries: t.Sequence[IndexEntry]) -> t.Iterator[Problem]:
        checks, host = self._params["checks"], self._task.found_host
        yield from upstream_problems(entries)
        if "installable" in checks:
            yield from installable(entries, host.st2_version if host else None)
        if "shadowed" in checks:
            refs = {entry.ref for entry in entries}
            yield from (problem for problem in shadowed(self._indexes) if problem.ref in refs)
        if "repositories" in checks:
            from .._index_info.repositories import Repositories

            for entry in entries:
                if entry.repo_url:
                    self._reading.book.trust(entry.repo_url, entry.credentials)
            yield from Repositories(self._git, self._deadline).problems(entries)

    def _outdated(self) -> t.List[Row]:
        """The installed packs of which the index has a newer version."""
        found = []
        for pack in self._installation.all() if self._installation else ():
            entry = self._indexes.entries.get(pack.ref)
            if entry and entry.version and pack.version and not is_latest(pack, entry.version, entry.commit):
                row = {"ref": pack.ref, "installed_version": pack.version, "version": entry.version}
                found.append({**row, "index_url": entry.index_url})
        return found

    def _installed(self) -> t.Optional[Installation]:
        if self._task.found_host is None:
            return None
        from .._change.session import undisturbed

        return undisturbed(self._task.found_host, self._task.scratch).installation

    def _git(self, deadline: Deadline) -> Git:
        from .._source.git_program import Git, GitAccess

        task, params, reading = self._task, self._params, self._reading
        access = GitAccess(
            task.scratch, reading.proxy, reading.book.find, params["ssh_key_file"], params["known_hosts_file"]
        )
        return Git(access, deadline=deadline, redactor=task.redactor, base_environment=task.environment)


def _describe_by_api(task: Task) -> Result:
    """What StackStorm itself finds, or how it says that its indexes are."""
    from .._index_info.server import ServerSearch
    from .._st2.api_access import find_access, open_client
    from .._st2.registration_options import registration_options_from

    params = task.params
    asked = registration_options_from(params)
    for secret in asked.secrets():
        task.redactor.add(secret)
    access = find_access(asked, task.environment)
    deadline = Deadline(params["timeout"])
    client = open_client(access, environment=task.environment, deadline=deadline, redactor=task.redactor)
    problems: t.List[Problem] = []
    try:
        server = ServerSearch(client)
        if params["query"] is not None:
            found = server.search(params["query"])
            rows = [_row(ref, entry) for ref, entry in found[: params["limit"] or None]]
            returned: t.Dict[str, t.Any] = {"packs": rows, "found": len(found), "missing": []}
        elif params["name"]:
            names = {name: server.show(name) for name in params["name"]}
            shown = [(name, entry) for name, entry in names.items() if entry is not None]
            rows = [{**_row(name, entry), "entry": _clean(entry)} for name, entry in shown[: params["limit"] or None]]
            missing = [name for name, entry in names.items() if entry is None]
            returned = {"packs": rows, "found": len(shown), "missing": missing}
        else:
            statuses = [{**status, "url": strip_urls(str(status["url"]))} for status in server.health()]
            problems = [
                Problem(status["error"], "", status["url"], str(status["message"]))
                for status in statuses
                if status["error"]
            ]
            returned = {"indexes": statuses, "health": summary(statuses), **_told(problems)}
    finally:
        client.close()
    return Result(msg=_line(returned, params, problems), returned=returned)


def _clean(value: t.Any) -> t.Any:
    """What an entry holds without credentials in addresses, and with keys that a terminal can show."""
    if isinstance(value, t.Mapping):
        return {printable(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return strip_urls(value) if isinstance(value, str) else value


def _told(problems: t.Sequence[Problem]) -> t.Dict[str, t.Any]:
    """Problems as they are returned."""
    return {
        "problems": [problem.as_dict() for problem in problems[:_MOST_PROBLEMS]],
        "problem_count": len(problems),
        "healthy": not problems,
    }


def _row(ref: str, entry: Entry) -> Row:
    url = entry.get("repo_url")
    return {
        "ref": ref or None,
        **{name: entry.get(name) for name in _SHOWN},
        "repo_url": strip_urls(url) if isinstance(url, str) and url else None,
    }


def _line(returned: t.Mapping[str, t.Any], params: t.Mapping[str, t.Any], problems: t.Sequence[Problem]) -> str:
    parts = []
    if "packs" in returned:
        number, shown = returned["found"], len(returned["packs"])
        what = f'found for "{params["query"]}"' if params["query"] is not None else "in the index"
        parts.append(f"{number} {'pack' if number == 1 else 'packs'} {what}")
        if shown < number:
            parts.append(f"the first {shown} are returned (limit)")
        if returned["missing"]:
            parts.append(f"not there: {', '.join(returned['missing'])}")
    if problems:
        kinds: t.Dict[str, int] = {}
        for problem in problems:
            kinds[problem.kind] = kinds.get(problem.kind, 0) + 1
        parts.append("problems: " + ", ".join(f"{number} {kind}" for kind, number in kinds.items()))
    elif not parts:
        number = returned["health"]["indexes"]["count"]
        parts.append(f"{number} {'index' if number == 1 else 'indexes'} without a problem")
    if returned.get("outdated"):
        parts.append(f"newer than installed: {', '.join(one['ref'] for one in returned['outdated'])}")
    return "; ".join(parts)
