# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""M(stackstorm.st2.st2_bundle): from a task to its result."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._bundle.archive import Archive, manifest_of, open_archive, write_archive
from .._bundle.build import Builder, Built
from .._bundle.layout import MANIFEST, Manifest
from .._bundle.report import described, line, listing
from .._errors import ApplyError, OptionError, SourceError, VerifyError
from .._file_changes import low_space, remove_tree, sync_directory
from .._files import TEMPORARY_PREFIX, read_regular_file
from .._lock.document import Lock, read_lock
from .._pack.virtualenv_backend import pip_configuration, places_of
from .._secrets import url_secrets
from .._source.package_index import PackageIndexes
from .._source.task_git import PROXY_OPTIONS, TaskGit, git_of
from .._st2.proxy import resolve_proxy
from .._task import Result, Task

_LARGEST_LOCK = 16 << 20


class _Existing(t.NamedTuple):
    """The bundle that is there.

    :arg problem: What is wrong with it.
    """

    manifest: t.Optional[Manifest] = None
    lock: t.Optional[Lock] = None
    problem: str = ""


def build_bundle(task: Task) -> Result:
    """Bring a file to the bundle of a lock.

    :raises St2Error: when it cannot be built; what was there stays then.
    """
    path, lockfile = absolute(task, "path"), absolute(task, "lockfile")
    _check_options(task)
    _check_place(path)
    text = _read(lockfile)
    lock = read_lock(text, lockfile)
    with contextlib.ExitStack() as stack:
        existing, archive = _look(stack, path)
        if existing.manifest and existing.manifest.lock == text:
            return Result(False, line(path, existing.manifest, lock), _returned(path, existing.manifest, lock))
        built = _build(stack, task, lock, text, lockfile, archive)
        if not task.check:
            _write(path, built)
    if not task.check:
        _verify(path, built.manifest)
    before, after = listing(existing.manifest, existing.lock), listing(built.manifest, lock)
    replaced = f"The previous content of {path} could not be used, and is replaced by a new bundle. {existing.problem}"
    return Result(
        True,
        line(path, built.manifest, lock),
        _returned(path, built.manifest, lock),
        [{"before_header": path, "after_header": path, "before": before, "after": after}],
        [*([replaced] if existing.problem else []), *built.warnings],
    )


def absolute(task: Task, option: str) -> str:
    """The path in an option.

    :raises OptionError: when it depends on the directory in which the module happens to run.
    """
    given: str = task.params[option]
    if not os.path.isabs(given):
        raise OptionError(f'The {option} "{given}" cannot be used: it must be an absolute path.')
    return os.path.normpath(given)


def _check_options(task: Task) -> None:
    url = task.params["pip_index_url"]
    if url is not None and not url.startswith(("https://", "http://")):
        raise OptionError(f"pip_index_url is {url}; it must be an http or https URL.")


def _returned(path: str, manifest: Manifest, lock: Lock) -> t.Dict[str, t.Any]:
    return {"path": path, **described(manifest, lock)}


def _read(lockfile: str) -> str:
    try:
        return read_regular_file(lockfile, _LARGEST_LOCK).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OptionError(f"The lock {lockfile} (lockfile) cannot be read: {reason}.") from error


def _check_place(path: str) -> None:
    """:raises OptionError: where no bundle may be."""
    directory = os.path.dirname(path)
    if not os.path.isdir(directory):
        raise OptionError(f"The directory {directory}, in which {path} should be created, does not exist. Create it.")
    if os.path.islink(path) or (os.path.lexists(path) and not os.path.isfile(path)):
        raise OptionError(f"{path} exists and is not a file. Use another path.")
    if os.path.isfile(path):
        with open(path, "rb") as stream:
            start = stream.read(len(MANIFEST))
        if start and start not in (MANIFEST.encode(), b"blobs/sha256/"[: len(MANIFEST)]):
            raise OptionError(f"{path} exists and is not a bundle, so it is not replaced. Use another path.")


def _look(stack: contextlib.ExitStack, path: str) -> t.Tuple[_Existing, t.Optional[Archive]]:
    """The bundle that is there, every byte of it read; and its archive, where that can be used."""
    if not os.path.exists(path):
        return _Existing(), None
    try:
        archive = stack.enter_context(open_archive(path))
        manifest = manifest_of(archive)
        archive.check()
        return _Existing(manifest, read_lock(manifest.lock, f"the lock in {path}")), archive
    except (SourceError, OptionError) as error:
        return _Existing(problem=error.message), None


def _build(
    stack: contextlib.ExitStack, task: Task, lock: Lock, text: str, lockfile: str, known: t.Optional[Archive]
) -> Built:
    git = stack.enter_context(git_of(task))
    for pack in lock.packs.values():
        git.book.trust(None if pack.is_directory else pack.source)
    scratch = os.path.join(git.git.scratch, "bundle")
    os.mkdir(scratch)
    packages = _packages(task, git)
    builder = Builder(
        lock, text, lockfile, git=lambda: git.git, packages=lambda: packages, scratch=scratch, known=known
    )
    return builder.build()


def _packages(task: Task, git: TaskGit) -> PackageIndexes:
    """Where pip would take packages from."""
    configured = pip_configuration(task.environment)
    urls, find_links = places_of(configured, task.params["pip_index_url"])
    for secret in url_secrets(urls):
        task.redactor.add(secret)
    return PackageIndexes(
        urls,
        find_links,
        proxy=resolve_proxy({name: task.params[name] for name in PROXY_OPTIONS}, {}, task.environment),
        ca_bundle=task.params["ca_bundle"] or configured.get("cert"),
        deadline=git.deadline,
    )


def _write(path: str, built: Built) -> None:
    """Put the bundle in its place in one step."""
    directory, name = os.path.split(path)
    new = os.path.join(directory, f"{TEMPORARY_PREFIX}{name}.{os.getpid()}")
    try:
        write_archive(new, built.files)
        with open(new, "rb") as stream:
            os.fsync(stream.fileno())
        os.replace(new, path)
        sync_directory(directory)
    except OSError as error:
        reason = error.strerror or error
        raise ApplyError(f"The bundle {path} cannot be written: {reason}.{low_space(directory)}") from error
    finally:
        remove_tree(new)


def _verify(path: str, manifest: Manifest) -> None:
    with open_archive(path) as archive:
        if manifest_of(archive) != manifest:
            raise VerifyError(f"{path} is not the bundle that was written there: it was changed meanwhile.")
        archive.check()
