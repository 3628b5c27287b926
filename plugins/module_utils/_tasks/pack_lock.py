# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""M(stackstorm.st2.st2_pack_lock): from a task to its result."""

from __future__ import annotations

import os
import tempfile
import typing as t

from .._deadline import Deadline
from .._errors import ApplyError, OptionError
from .._file_changes import low_space, write_atomically
from .._files import read_regular_file
from .._lock.document import Lock, LockedPack, Platform, lock_text, read_lock
from .._pack.proving import Prover
from .._pack.resolution import Resolution
from .._pack_lock import report
from .._pack_lock.changes import PackChange, changed_files, changed_refs, differences
from .._pack_lock.kept import KeptPacks
from .._pack_lock.making import Made, Maker
from .._pack_lock.options import LockOptions, options_from
from .._pack_lock.repositories import LockFetcher
from .._pack_lock.sides import Side, read_side
from .._pack_lock.wheels import Unlocked, WheelResolver, Wheels
from .._secrets import Credentials, split_userinfo
from .._source.credentials import CredentialBook
from .._source.git_program import Git, GitAccess
from .._source.index import Indexes, fetch_indexes
from .._source.index_trust import IndexTrust
from .._st2.proxy import resolve_proxy
from .._task import Result, Task

_MOST_BYTES = 16 << 20
_MODE = 0o644


def lock_packs(task: Task) -> Result:
    """Bring a lock to what a task asks for.

    :raises St2Error: when something cannot be locked; then the lock is what it was.
    """
    options = options_from(task.params)
    for secret in options.secrets():
        task.redactor.add(secret)
    with tempfile.TemporaryDirectory(prefix="st2-lock-", dir=task.scratch) as scratch:
        return _Locking(task, options, scratch).run()


class _Locking:
    def __init__(self, task: Task, options: LockOptions, scratch: str) -> None:
        self._task = task
        self._options = options
        self._scratch = scratch
        self._deadline = Deadline(options.timeout)
        self._text = _read(options.path)
        self._before = read_lock(self._text, options.path) if self._text else Lock({})
        self._proxy = resolve_proxy(options.proxy, {}, task.environment)
        for secret in self._proxy.secrets():
            task.redactor.add(secret)
        self._book = CredentialBook(options.credentials)
        for request in options.requests:
            self._book.trust(None if request.controller else request.source, request.credentials)
        for url in options.index_url:
            self._book.trust(*split_userinfo(url))
        access = GitAccess(
            scratch,
            self._proxy,
            self._book.find,
            options.ssh_key_file,
            options.known_hosts_file,
            withholds=bool(options.credentials),
        )
        self._git = Git(access, deadline=self._deadline, redactor=task.redactor, base_environment=task.environment)
        self._staging = os.path.join(scratch, "staging")
        os.mkdir(self._staging)
        self._fetcher = LockFetcher(self._staging, lambda: self._git)

    def run(self) -> Result:
        platforms = self._platforms()
        resolver = self._wheel_resolver(platforms) if platforms else None
        maker = Maker(
            self._options,
            self._before,
            self._fetcher,
            self._staging,
            fetch_indexes=self._fetch_indexes,
            trust=self._trust,
            prove=self._prove,
        )
        made = maker.make()
        wheels = Wheels({}, {}, ())
        if resolver:
            wheels = resolver.resolve({ref: pack.staged for ref, pack in made.fetched.items()})
        after = _with_wheels(made, wheels, self._before, platforms)
        changes = [self._change(ref, after, made) for ref in changed_refs(self._before, after)]
        text = lock_text(after)
        changed = text != self._text
        if changed and not self._task.check:
            self._deadline.check("the lock was about to be written")
            _write(self._options.path, text)
        return self._result(after, changes, made, _unlocked(after, wheels), changed)

    def _prove(self, resolution: Resolution) -> None:
        """Find out who signed what was fetched. Packs that stay were looked at when they were locked."""
        if self._options.signatures:
            prover = Prover(
                self._options.signatures,
                self._fetcher,
                self._git,
                deadline=self._deadline,
                environment=self._task.environment,
            )
            prover.prove(resolution, KeptPacks(()))

    def _result(
        self,
        lock: Lock,
        changes: t.Sequence[PackChange],
        made: Made,
        unlocked: t.Sequence[Unlocked],
        changed: bool,
    ) -> Result:
        warnings = list(made.warnings)
        path = self._options.path
        files = changed_files(self._before, lock)
        told = [f"{one.ref} is locked without its Python packages on {one.platform}: {one.reason}." for one in unlocked]
        return Result(
            changed=changed,
            msg=report.line(path, lock, changes, changed),
            returned={
                "path": path,
                "refs": sorted(lock.packs),
                "packs": report.rows(changes),
                "unlocked": [dict(one._asdict()) for one in unlocked],
                "markdown": report.markdown(path, changes, files, unlocked, warnings),
            },
            diff=report.diff(changes, files),
            warnings=[*warnings, *told],
        )

    def _platforms(self) -> t.Tuple[Platform, ...]:
        """The platforms for which wheels are locked.

        :raises OptionError: for others than before, where packs stay that have wheels for those.
        """
        there = tuple(sorted(self._before.platforms.values()))
        asked = there if self._options.platforms is None else self._options.platforms
        if self._options.update is not None and self._before.packs and asked != there:
            raise OptionError(
                f"platforms are {_named(asked)}, and the lock has {_named(there)}: with update, packs stay as they are "
                "locked. Leave update out to lock all packs for other platforms."
            )
        return asked

    def _wheel_resolver(self, platforms: t.Sequence[Platform]) -> WheelResolver:
        environment = dict(self._proxy.apply_to(self._task.environment))
        if self._options.pip_index_url:
            environment["PIP_INDEX_URL"] = self._options.pip_index_url
        return WheelResolver(
            platforms,
            scratch=self._scratch,
            deadline=self._deadline,
            environment=environment,
            redactor=self._task.redactor,
        )

    def _trust(self, url: str, credentials: Credentials) -> None:
        self._book.trust(url, credentials)

    def _fetch_indexes(self) -> Indexes:
        options, signers = self._options, self._options.index_allowed_signers
        trust = None
        if signers is not None:
            trust = IndexTrust(signers, scratch=self._scratch, environment=self._task.environment)
        return fetch_indexes(
            options.index_url,
            proxy=self._proxy,
            ca_bundle=options.proxy.get("ca_bundle"),
            deadline=self._deadline,
            credentials_for=self._book.find,
            trust=trust,
        )

    def _change(self, ref: str, after: Lock, made: Made) -> PackChange:
        old, new = self._before.packs.get(ref), after.packs.get(ref)
        fetched = made.fetched.get(ref)
        new_side = read_side(fetched.staged, ref) if fetched else None
        old_side: t.Optional[Side] = None
        distance: t.Optional[t.Tuple[int, int]] = None
        if old and new and fetched and old.content == new.content:
            old_side = new_side
        if old and new and fetched and old.commit and new.commit and old.commit != new.commit:
            repository = self._fetcher.repository(fetched.wanted.source)
            place = os.path.join(self._staging, f"old-{ref}")
            if repository.old_files(old.commit, place):
                old_side = read_side(os.path.join(place, old.subdir), ref)
                distance = repository.distance(place, old.commit, new.commit)
        ahead, behind = distance or (None, None)
        return PackChange(ref, old, new, ahead, behind, differences(old, new, old_side, new_side))


def _with_wheels(made: Made, wheels: Wheels, before: Lock, platforms: t.Sequence[Platform]) -> Lock:
    """The whole lock: packs that were fetched get their wheels, the others keep theirs."""
    packs: t.Dict[str, LockedPack] = {}
    for ref, pack in made.packs.items():
        packs[ref] = pack._replace(wheels=wheels.pins.get(ref, {})) if ref in made.fetched else pack
    used = {pin for pack in packs.values() for pins in pack.wheels.values() for pin in pins}
    stays = {pin for ref, pack in packs.items() if ref not in made.fetched for x in pack.wheels.values() for pin in x}
    files: t.Dict[str, t.Dict[str, str]] = {}
    for pin in used:
        old = before.wheels.get(pin, {}) if pin in stays else {}
        files[pin] = {**old, **wheels.files.get(pin, {})}
        other = sorted(name for name, digest in old.items() if files[pin][name] != digest)
        if other:
            raise OptionError(
                f"{', '.join(other)} in the package index has another digest than in the lock: somebody replaced what "
                "was published. Find out who, or leave out update to lock everything again."
            )
    return Lock(packs, files, {platform.key: platform for platform in platforms})


def _unlocked(lock: Lock, wheels: Wheels) -> t.List[Unlocked]:
    """The packs without Python packages on a platform, also those that stay as they were."""
    reasons = {(one.ref, one.platform): one for one in wheels.unlocked}
    return [
        reasons.get((ref, key)) or Unlocked(ref, key, "it stays as it was locked")
        for ref, pack in sorted(lock.packs.items())
        for key in sorted(lock.platforms)
        if key not in pack.wheels
    ]


def _named(platforms: t.Iterable[Platform]) -> str:
    return ", ".join(platform.key for platform in platforms) or "none"


def _read(path: str) -> str:
    try:
        return read_regular_file(path, _MOST_BYTES).decode("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise OptionError(f"The lock {path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def _write(path: str, text: str) -> None:
    try:
        # What a link leads to is written, and the link stays.
        write_atomically(os.path.realpath(path), text.encode(), mode=_MODE)
    except OSError as error:
        raise ApplyError(
            f"The lock {path} cannot be written: {error.strerror or error}.{low_space(os.path.dirname(path))}"
        ) from error
