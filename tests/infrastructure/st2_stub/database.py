# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's database: documents by their ref, in memory, and in a file that other processes share."""

from __future__ import annotations

import contextlib
import copy
import fcntl
import json
import os
import threading
import typing as t
from pathlib import Path

Record = t.Dict[str, t.Any]
Documents = t.Dict[str, Record]

RESOURCES = ("actions", "sensors", "rules", "aliases", "policies", "triggers")
"""The kinds of resources of a pack, each a collection; documents are keyed by ``pack.name``.

``triggers`` are trigger types; what rules hang on are ``rule_triggers`` (see ``triggers.py``).
"""
CONTENT = ("packs", "config_schemas", "configs", *RESOURCES, "rule_triggers")
"""What StackStorm has."""
ORDERS = ("refusals", "program_faults")
"""What tests have ordered."""
FIRST_ID = 0x6B0000000000000000000000


class Database:
    """Collections of documents. Nothing is read or written outside of `session`.

    :arg path: a JSON file that holds everything, so that ``st2-register-content`` and the server see the same. Without
        one, the documents live and die with the object.
    """

    def __init__(self, path: t.Union[str, Path, None] = None) -> None:
        self.path = Path(path) if path else None
        self._lock = threading.RLock()
        self._depth = 0
        self._read: t.Optional[t.Tuple[int, ...]] = None
        self._changed = False
        self._collections: t.Dict[str, Documents] = {name: {} for name in (*CONTENT, *ORDERS)}
        self._next_id = 1

    @contextlib.contextmanager
    def session(self) -> t.Iterator[Database]:
        """Hold the database alone, also against other processes. What was changed stays, also after an exception.

        StackStorm rolls nothing back either. Sessions may be nested.
        """
        with self._lock, self._file_lock():
            self._depth += 1
            try:
                if self._depth == 1:
                    self._load()
                yield self
            finally:
                self._depth -= 1
                if not self._depth:
                    self._save()

    def find(self, collection: str, ref: str) -> t.Optional[Record]:
        """Return a copy of a document; None where there is none."""
        with self.session():
            return copy.deepcopy(self._collections[collection].get(ref))

    def all(self, collection: str, **wanted: t.Any) -> t.List[Record]:
        """Return copies of the documents of a collection whose fields are as wanted, in the order they came."""
        with self.session():
            found = self._collections[collection].values()
            chosen = [doc for doc in found if all(doc.get(key) == value for key, value in wanted.items())]
            return copy.deepcopy(chosen)

    def put(self, collection: str, ref: str, document: t.Mapping[str, t.Any], before: str = "") -> Record:
        """Insert a document or replace the one with this ref; the id stays. Return it.

        :arg before: the ref that the document had so far, where it is another: its place and id are taken over.
        """
        with self.session():
            documents = self._collections[collection]
            known = documents.pop(before, None) if before and before != ref else documents.get(ref)
            identity = known["id"] if known else self.new_id()
            documents[ref] = {**copy.deepcopy(dict(document)), "id": identity}
            self._changed = True
            return copy.deepcopy(documents[ref])

    def delete(self, collection: str, ref: str) -> bool:
        """Take a document away; return whether there was one."""
        with self.session():
            self._changed = True
            return self._collections[collection].pop(ref, None) is not None

    def everything(self, packs: t.Collection[str] = ()) -> t.Dict[str, Documents]:
        """Return copies of all that StackStorm has, by collection and key, sorted.

        :arg packs: only what is of these packs; everything by default.
        """
        with self.session():
            found: t.Dict[str, Documents] = {}
            for name in CONTENT:
                documents = sorted(self._collections[name].items())
                found[name] = {key: doc for key, doc in documents if not packs or doc.get("pack", key) in packs}
            return copy.deepcopy(found)

    def new_id(self) -> str:
        """Return an id that nothing has, 24 hex digits as MongoDB's."""
        with self.session():
            self._next_id += 1
            self._changed = True
            return f"{FIRST_ID + self._next_id:024x}"

    @contextlib.contextmanager
    def _file_lock(self) -> t.Iterator[None]:
        if self.path is None or self._depth:
            yield
            return
        with open(f"{self.path}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _load(self) -> None:
        stamp = self._stamp()
        if self.path is not None and stamp is not None and stamp != self._read:
            content = json.loads(self.path.read_bytes())
            self._collections, self._next_id, self._read = content["collections"], content["next_id"], stamp

    def _save(self) -> None:
        if self.path is None or not self._changed:
            return
        partial = f"{self.path}.partial"
        Path(partial).write_text(json.dumps({"next_id": self._next_id, "collections": self._collections}))
        os.replace(partial, self.path)
        self._read, self._changed = self._stamp(), False

    def _stamp(self) -> t.Optional[t.Tuple[int, ...]]:
        """Return what tells whether another process has put the file in place since; it is never written in place."""
        try:
            found = os.stat(self.path) if self.path else None
        except FileNotFoundError:
            return None
        return found and (found.st_ino, found.st_mtime_ns, found.st_size)
