# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Getting packs as ``packs.download`` gets them: real git, from repositories on this machine only."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import typing as t
from pathlib import Path

from ..repositories import GitError, GitRepository, run_git
from .pack_files import VERSION, pack_ref, read_metadata
from .pack_index import PackIndex
from .paths import HostPaths
from .yaml_files import read_yaml_leniently

PYTHON_VERSION = "3.10.13"
_OVERRIDE = 'You can override this restriction by providing the "force" flag, but the pack is not guaranteed to work.'
_COMPARE: t.Mapping[str, t.Callable[[t.Any, t.Any], bool]] = {
    ">=": lambda one, other: one >= other,
    "<=": lambda one, other: one <= other,
    "==": lambda one, other: one == other,
    "": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    ">": lambda one, other: one > other,
    "<": lambda one, other: one < other,
}


class Downloads:
    """Downloads packs into a host's packs directory.

    :arg repositories: URLs to where the repository really is. A path or file:// URL needs no entry.
    :arg version: the release that this StackStorm says it is.
    """

    def __init__(
        self,
        paths: HostPaths,
        index: PackIndex,
        repositories: t.Mapping[str, t.Union[GitRepository, str, Path]],
        version: str,
    ) -> None:
        self._paths = paths
        self._index = index
        self._version = version
        self.repositories = dict(repositories)

    def download(self, packs: t.Sequence[str], force: bool) -> t.Dict[str, str]:
        """Put packs in place and return a text for each: ``Success.``, or why it was left out.

        Raises what fails the whole action: anything but an unknown name, or no success at all. What was put in place
        until then stays (contrib/packs/actions/pack_mgmt/download.py).
        """
        statuses: t.Dict[str, str] = {}
        for spec in packs:
            try:
                url, revision = self.resolve(spec)
            except Exception as error:
                statuses[spec] = str(error)
                continue
            statuses.update(self._download_one(url, revision, force))
        if not any("success" in text.lower() for text in statuses.values()):
            errors = "\n".join(statuses.values())
            raise RuntimeError(f'The pack has not been downloaded from "None".\n\nErrors:\n{errors}')
        return statuses

    def resolve(self, spec: str) -> t.Tuple[str, str]:
        """Return the URL and revision that a request means (st2common/util/pack_management.py get_repo_url).

        Whatever it raises leaves out this pack only: RuntimeError for a name that the index does not have, KeyError
        for an entry without a version.
        """
        parts = spec.split("=")
        name, revision = parts[0], parts[1] if len(parts) > 1 else ""
        if "/" not in name:
            entry = self._index.entries()[0].get(name)
            if not entry:
                raise RuntimeError(f'No record of the "{name}" pack in the index.')
            return str(entry["repo_url"]), revision or str(entry["version"])
        if name.startswith(("gitlab@", "file://")) or name.count("/") != 1 or "git@" in name:
            return name, revision
        return f"https://github.com/{name}", revision

    def _download_one(self, url: str, revision: str, force: bool) -> t.Dict[str, str]:
        with tempfile.TemporaryDirectory(dir=self._paths.packs.parent, prefix="st2packs.") as work:
            tree = Path(work) / "pack"
            self._fetch(url, revision, tree)
            metadata = read_metadata(tree, read_yaml_leniently)
            ref = pack_ref(metadata)
            if "." in ref:
                return {ref: f'Failure : Pack name "{ref}" contains reserve character "."'}
            if not force:
                self._check_compatible(ref, metadata)
            target = self._paths.packs / ref
            if target.exists() or target.is_symlink():
                shutil.rmtree(target)  # refuses a link, as StackStorm does
            shutil.move(str(tree), str(target))
        open_to_group(target)
        return {ref: "Success."}

    def _fetch(self, url: str, revision: str, tree: Path) -> None:
        known = self.repositories.get(url)
        source = known.path if isinstance(known, GitRepository) else known
        if source is None and url.startswith("file://"):
            source = Path(url[len("file://") :]).absolute()
            if not (source / ".git").is_dir() and not (source / "HEAD").is_file():
                if not source.is_dir():
                    raise ValueError(f'Local pack directory "{source}" doesn\'t exist')
                shutil.copytree(source, tree)
                return
        if source is None and url.startswith("/"):
            source = url
        if source is None:
            raise GitError(f"fatal: unable to access '{url}/': Could not resolve host")
        self._clone(url, str(source), revision, tree)

    @staticmethod
    def _clone(url: str, source: str, revision: str, tree: Path) -> None:
        run_git("clone", "--quiet", source, tree)
        run_git("-C", tree, "remote", "set-url", "origin", url)
        default = run_git("-C", tree, "branch", "--show-current")
        if not revision or revision == default:
            return
        if _commit(tree, f"origin/{revision}"):
            run_git("-C", tree, "checkout", "--quiet", "-b", revision, f"origin/{revision}")
            return
        commit = _commit(tree, revision) or (re.match(VERSION, revision) and _commit(tree, f"v{revision}"))
        if not commit:
            versions = [tag[1:] for tag in run_git("-C", tree, "tag").split() if re.match(f"v{VERSION[1:]}", tag)]
            available = f" Available versions are: {', '.join(versions)}." if versions else ""
            raise ValueError(f'"{revision}" is not a valid version, hash, tag or branch in {url}.{available}')
        branches = run_git("-C", tree, "branch", "-a", "--contains", commit, "--format=%(refname:short)").split("\n")
        if default in branches:
            run_git("-C", tree, "checkout", "--quiet", "-B", default, commit)
        elif any(branches):
            run_git("-C", tree, "checkout", "--quiet", "-B", branches[0].split("/")[-1], commit)
        else:
            run_git("-C", tree, "checkout", "--quiet", f"v{revision}")

    def _check_compatible(self, ref: str, metadata: t.Mapping[str, t.Any]) -> None:
        wanted = metadata.get("stackstorm_version")
        if wanted and not _matches(self._version, wanted):
            raise ValueError(
                f'Pack "{ref}" requires StackStorm "{wanted}", but current version is "{self._version}". {_OVERRIDE}'
            )
        if set(metadata.get("python_versions") or []) == {"2"}:
            raise ValueError(
                f'Pack "{ref}" requires Python 2.x, but current Python version is "{PYTHON_VERSION}". {_OVERRIDE}'
            )


def open_to_group(directory: Path) -> None:
    """Make everything 0775, as StackStorm does with a pack (apply_pack_permissions)."""
    for folder, directories, files in os.walk(directory):
        for name in (".", *directories, *files):
            path = Path(folder) / name
            if path.exists():
                path.chmod(0o775)


def _commit(tree: Path, revision: str) -> str:
    return run_git("-C", tree, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", check=False)


def _matches(version: str, wanted: str) -> bool:
    """Whether a release satisfies ``stackstorm_version`` (st2common/util/versioning.py). Raises ValueError."""
    for part in filter(None, (part.strip() for part in wanted.split(","))):
        found = re.match(r"^(>=|<=|==|!=|>|<|)(\d+)\.(\d+)\.(\d+)$", part)
        if found is None:
            raise ValueError(f"match_expr parameter should be in format <op><ver>, not {part!r}")
        numbers = tuple(int(found[index]) for index in (2, 3, 4))
        if not _COMPARE[found[1]](tuple(map(int, version.split("."))), numbers):
            return False
    return True
