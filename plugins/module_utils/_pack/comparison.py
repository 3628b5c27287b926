# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Files and database held against each other, resource by resource."""

from __future__ import annotations

import os
import typing as t

from .._change.database import Database
from .._change.known import CURRENT, STALE, UNKNOWN, KnownPack
from .._change.session import View
from .._config.document import config_path, read_config
from .._config.values import agrees
from .._content.resources import name_key, resource_files
from .._errors import InvalidPackError, VerifyError
from .._override.document import GLOBAL, KINDS
from .._override.override_file import read_override_file
from .._override.pack_resources import read_pack_resources
from .._override.precedence import effect
from .._st2.registration import PackFiles, Resource
from .._yaml_file import load_yaml

# By the type that is registered, in the order in which StackStorm does that.
_KINDS = {
    "trigger": "triggers",
    "sensor": "sensors",
    "action": "actions",
    "rule": "rules",
    "alias": "aliases",
    "policy": "policies",
}
_SINGULAR = {kind: name for name, kind in _KINDS.items()}
_MOST_NAMED = 5
# Of these StackStorm has one of a name, whatever the pack (bootstrap/aliasesregistrar.py, policiesregistrar.py).
_SHARED = ("aliases", "policies")
# Whether a resource is switched on, by kind and name; C(None) for what cannot be switched, or is not compared.
Expected = t.Dict[t.Tuple[str, str], t.Optional[bool]]


class Comparison:
    """Compares packs with a database that can be read.

    :arg types: The types to compare; all of them when empty.
    :ivar warnings: What differs and is not mended by registering.
    """

    def __init__(self, view: View, database: Database, types: t.Sequence[str]) -> None:
        self.warnings: t.List[str] = []
        self._view = view
        self._database = database
        self._whole = not types
        self._kinds = [kind for name, kind in _KINDS.items() if self._whole or name in types]
        self._every: t.Dict[str, t.Sequence[Resource]] = {}
        self._unreadable: t.Set[str] = set()
        self._with_config = self._whole or "config" in types

    def known(self, ref: str, location: str, known: KnownPack) -> KnownPack:
        """What is known of a pack, now that it was looked at.

        :arg location: Where its files are.
        :arg known: What was known before.
        :raises RegistrationError: when the database does not answer.
        """
        if not known.tells or not known.version:
            return known
        found = self.differences(ref, location)
        if found:
            return known._replace(state=STALE, settled=False, differences=found)
        if ref in self._unreadable:
            return known._replace(state=UNKNOWN, settled=True)
        if known.state == UNKNOWN and self._whole:
            return known._replace(state=CURRENT, settled=True)
        return known

    def differences(self, ref: str, location: str) -> t.Tuple[str, ...]:
        """What the database does not have as files and overrides say, such as C(rule on_check (missing)). What is
        there beyond the files is not among it: that is what pruning is for.

        :raises RegistrationError: when the database does not answer.
        """
        there = {(one.kind, one.name): one.enabled for one in self._resources(ref)}
        found = []
        for (kind, name), enabled in self._expected(ref, location).items():
            label = f"{_SINGULAR[kind]} {name}"
            if (kind, name) not in there:
                other = next((one.pack for one in self._of_all(kind) if one.name == name), "")
                if other:
                    self.warnings.append(
                        f"StackStorm has no {label} of {ref}: of one name it keeps one, and that is of {other}."
                    )
                else:
                    found.append(f"{label} (missing)")
            elif enabled is not None and there[kind, name] is not None and there[kind, name] != enabled:
                found.append(f"{label} ({'disabled' if enabled else 'enabled'})")
        return (*found, *(self._config(ref) if self._with_config else ()))

    def _resources(self, ref: str) -> t.Sequence[Resource]:
        own = self._database.resources(ref, [kind for kind in self._kinds if kind not in _SHARED])
        return [*own, *(one for kind in self._kinds for one in self._of_all(kind) if one.pack == ref)]

    def _of_all(self, kind: str) -> t.Sequence[Resource]:
        """What the database has of all packs, of a kind that is not each pack's own."""
        if kind not in _SHARED:
            return ()
        if kind not in self._every:
            self._every[kind] = self._database.registrar.every(kind)
        return self._every[kind]

    def _expected(self, ref: str, location: str) -> Expected:
        files = [read_override_file(self._view.host.overrides_path, name, self._view.now) for name in (GLOBAL, ref)]
        switched = [kind for kind in self._kinds if kind in KINDS]
        resources = read_pack_resources(ref, location, switched).by_name()
        layers = [file.layer for file in files]
        found: Expected = {key: effect(resource, *layers).enabled for key, resource in resources.items()}
        if None in found.values():  # An override file keeps StackStorm from registering it: nobody can tell.
            self._unreadable.add(ref)
            for complaint in dict.fromkeys(one for file in files for one in file.complaints):
                self.warnings.append(
                    f"StackStorm cannot register the pack {ref}: {complaint} The effect on its resources is not known."
                )
        for kind in self._kinds:
            if kind not in KINDS:
                found.update(_others(location, kind))
        return found

    def _config(self, ref: str) -> t.Iterator[str]:
        path = config_path(self._view.host.configs_path, ref)
        file = read_config(path, self._view.now(path))
        if file.problem:
            return  # What StackStorm makes of it shows when it is registered.
        digest = self._database.records.config_digest(file.content) if file.exists else ""
        known = self._database.config(ref, digest)
        if not known.reads:
            return
        if file.exists and (known.values is None or not agrees(dict(known.values), file.values)):
            yield "config (missing)" if known.values is None else "config (other values)"
        elif not file.exists and known.values:
            self.warnings.append(
                f"StackStorm's database has a config of {ref}, and {path} is not there: StackStorm goes on to use it. "
                "st2_pack_config with state=absent takes it out."
            )


def verify_registered(comparison: Comparison, database: Database, packs: t.Sequence[PackFiles]) -> None:
    """Compare packs that were registered with their files.

    :raises VerifyError: naming what StackStorm does not have, or not as the files say.
    """
    refs = [pack.ref for pack in packs]
    database.expect(resources=refs, configs=refs)
    for pack in packs:
        found = comparison.differences(pack.ref, pack.path)
        if found:
            raise VerifyError(
                f"StackStorm registered {pack.ref}, but its database does not match the files: "
                f"{', '.join(found[:_MOST_NAMED])}. Does its API run on another host, with other files?",
                ref=pack.ref,
            )


def _others(location: str, kind: str) -> Expected:
    """Policies, which overrides do not switch, and triggers, which nothing does."""
    found: Expected = {}
    try:
        paths = resource_files(location, kind)
    except OSError:
        return found
    for path in paths:
        try:
            metadata = load_yaml(os.path.join(location, path), shown=path)
        except InvalidPackError:
            continue  # StackStorm cannot register it, which shows when that is tried.
        name = metadata.get(name_key(kind)) if isinstance(metadata, dict) else None
        if isinstance(name, str) and name:
            # st2common/models/api/policy.py PolicyAPI: switched on where it does not say.
            found[kind, name] = bool(metadata.get("enabled", True)) if kind == "policies" else None
    return found
