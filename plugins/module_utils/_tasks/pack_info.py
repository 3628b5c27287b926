# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack_info): what is installed, and how it is."""

from __future__ import annotations

import typing as t

from .._change.database import open_database
from .._change.session import undisturbed
from .._content.installed import Installation, InstalledPack, dependencies_of
from .._content.names import check_ref
from .._content.resources import read_content
from .._content.versions import sort_versions
from .._deadline import Deadline
from .._errors import IndexError_, InvalidPackError, VirtualenvError
from .._layout import VirtualenvsDirectory
from .._pack import inspection
from .._pack.description import description_of, problem_of
from .._pack.interpreter import ask_tags
from .._pack.releases import releases
from .._pack.satisfaction import is_latest
from .._pack.virtualenv import Interpreters, Settings, may_stay, observe_virtualenv
from .._secrets import Credentials, strip_urls
from .._source.git_program import Git, GitAccess
from .._st2.proxy import Proxy
from .._task import Result, Task

if t.TYPE_CHECKING:
    from .._source.index import Indexes


def describe_packs(task: Task) -> Result:
    """Describe the installed packs that a task names, or all.

    :raises St2Error: for options and hosts that cannot be used, and an index that was asked for and cannot be read.
    """
    if task.params.get("backend") == "api":
        from .pack_info_api import describe_packs_by_api

        return describe_packs_by_api(task)
    view = undisturbed(task.host, task.scratch)
    installation = view.installation
    names = task.params["name"]
    refs = [check_ref("name", name) for name in names] if names else installation.refs()
    inspector = _Inspector(task, installation, view.virtualenvs)
    found = [(ref, installation.get(ref)) for ref in dict.fromkeys(refs)]
    inspector.look([ref for ref, pack in found if pack and not pack.is_system])
    packs = [inspector.describe(pack) for _ref, pack in found if pack]
    returned: t.Dict[str, t.Any] = {}
    if task.params["sizes"]:
        from .._pack.disk_usage import DiskUsage

        usage = DiskUsage(view)
        for row in packs:
            row["disk"] = usage.pack(row["ref"])
        returned["disk"] = usage.total(installation.refs())
    missing = [ref for ref, pack in found if pack is None]
    noun = "pack" if len(packs) == 1 else "packs"
    msg = f"{len(packs)} {noun} installed" + (f"; not installed: {', '.join(missing)}" if missing else "")
    returned.update(packs=packs, missing=missing, python=inspector.python())
    return Result(msg=msg, returned=returned, warnings=inspector.warnings)


class _Inspector:
    def __init__(self, task: Task, installation: Installation, virtualenvs: VirtualenvsDirectory) -> None:
        self.warnings: t.List[str] = []
        self._task = task
        self._installation = installation
        self._virtualenvs = virtualenvs
        self._deadline = Deadline(task.params["timeout"])
        self._interpreters = Interpreters(self._deadline, task.environment)
        self._settings = Settings(
            task.host.python_binary, task.host.virtualenv_opts, task.host.pip_opts, task.host.st2_site_packages
        )
        self._indexes = self._fetch_indexes() if task.params["check_latest"] else None
        self._database = open_database(task, self._deadline)

    def look(self, refs: t.Sequence[str]) -> None:
        """Ask StackStorm's database once for all of these packs."""
        if refs:
            self._database.look(refs)
            # The last one is that nothing gets registered, which is not what this module is for.
            asked_nobody = self._database.registrar.name == "none"
            self.warnings += self._database.warnings[: -1 if asked_nobody else None]

    def python(self) -> t.Optional[t.Dict[str, str]]:
        """Which packages the Python takes that virtualenvs are made with; C(None) where it does not run."""
        try:
            return ask_tags(self._settings.python, self._deadline, self._task.environment)
        except VirtualenvError as error:
            if not any(self._settings.python in warning for warning in self.warnings):
                self.warnings.append(error.message)
            return None

    def describe(self, pack: InstalledPack) -> t.Dict[str, t.Any]:
        directory = self._installation.directory(pack.base_path)
        contents = inspection.contents_of(pack, directory)
        resolved = pack.receipt.resolved if pack.receipt else None
        tags = pack.working_copy.tags_at(pack.head.commit) if pack.head else []
        source = pack.source
        described: t.Dict[str, t.Any] = {
            "ref": pack.ref,
            "name": pack.name,
            "version": pack.version,
            **description_of(pack),
            "path": pack.path,
            "base_path": pack.base_path,
            "shadowed": [other.path for other in self._installation.shadowed(pack.ref)],
            "system": pack.is_system,
            "link": pack.link,
            "problem": problem_of(pack),
            "commit": pack.commit,
            "digest": (pack.receipt.digest or pack.receipt.content or None) if pack.receipt else None,
            "signers": sorted(set(pack.receipt.signed.values())) if pack.receipt else [],
            "branch": pack.head.branch if pack.head else None,
            "tags": sort_versions(tags) if tags else [],
            "requested": (resolved.asked or None) if resolved else None,
            "source": strip_urls(source.url) if source else None,
            "subdir": (source.subdir or None) if source else None,
            "managed": pack.receipt is not None,
            "dependencies": list(dependencies_of(pack)),
            "releases": releases(directory, pack.ref),
            "contents": {
                kind: {"count": len(names), "names": list(names)} for kind, names in sorted(contents.resources.items())
            },
            "requirements": list(contents.requirements),
            "virtualenv": self._virtualenv(pack),
            "database_state": None if pack.is_system else self._database.pack(pack.ref, pack).state,
        }
        if self._task.params["check_edits"]:
            known = inspection.as_installed(pack, directory, self._git)
            described["edits"] = [] if pack.is_system else list(inspection.edited_files(known, directory, self._git))
        if self._indexes:
            described.update(self._latest(pack, self._indexes))
        return described

    def _virtualenv(self, pack: InstalledPack) -> t.Dict[str, t.Any]:
        found = observe_virtualenv(self._virtualenvs, pack.ref)
        health = found.health
        try:
            if health == "ok" and not may_stay(found, self._settings, self._interpreters, pack.location, adopted=False):
                health = "outdated"
        except VirtualenvError as error:
            self.warnings.append(error.message)
            health = "outdated"
        return {
            "path": self._virtualenvs.virtualenv(pack.ref),
            "health": health,
            "python_version": found.version or None,
            "needed": self._needed(pack, health),
        }

    @staticmethod
    def _needed(pack: InstalledPack, health: str) -> bool:
        """Whether StackStorm runs anything of a pack in its virtualenv; one that something else made counts."""
        if pack.is_system or pack.receipt or health != "absent":
            return not pack.is_system and (pack.receipt is None or pack.receipt.python)
        try:
            return read_content(pack.location, pack.ref, strict=False).needs_virtualenv
        except InvalidPackError:
            return True

    def _latest(self, pack: InstalledPack, indexes: Indexes) -> t.Dict[str, t.Any]:
        try:
            entry = indexes.lookup(pack.ref, strict=self._task.params["index_strict"])
        except IndexError_:
            return {"latest_version": None, "index_url": None, "outdated": None}
        known = entry.version and pack.version
        return {
            "latest_version": entry.version,
            "index_url": strip_urls(entry.index_url),
            "outdated": not is_latest(pack, entry.version or "", entry.commit) if known else None,
        }

    def _fetch_indexes(self) -> Indexes:
        from .index_reading import IndexReading

        reading = IndexReading(self._task, self._task.host.index_urls, self._deadline)
        self.warnings += reading.warnings
        indexes = reading.read()
        unread = [status for status in indexes.statuses if status.error]
        if unread and len(unread) == len(indexes.statuses):
            raise IndexError_(
                "No pack index can be read: "
                + "; ".join(f"{strip_urls(status.url)}: {status.error}: {status.message}" for status in unread)
            )
        self.warnings += [f"The index {strip_urls(status.url)} cannot be read: {status.message}" for status in unread]
        return indexes

    def _git(self) -> Git:
        # It only looks at what is here.
        access = GitAccess(self._task.scratch, Proxy(), lambda _url: Credentials())
        return Git(
            access, deadline=self._deadline, redactor=self._task.redactor, base_environment=self._task.environment
        )
