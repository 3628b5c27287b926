# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What StackStorm's database has, in a form that two looks at it can be compared in: of the stand-in or a real one."""

from __future__ import annotations

import typing as t

from .database import RESOURCES

Documents = t.Mapping[str, t.Mapping[str, t.Any]]
Snapshot = t.Dict[str, t.Any]

HIDDEN = ("id", "uid")


def comparable(found: t.Mapping[str, Documents]) -> Snapshot:
    """Return a snapshot of documents by their kind and ref, as the API shows them.

    Ids are left out, and so are the names that triggers with parameters are given by chance.
    """
    kinds: Snapshot = {kind: {ref: _plain(document) for ref, document in found[kind].items()} for kind in RESOURCES}
    for rule in kinds["rules"].values():
        if isinstance(rule["trigger"], dict):
            rule["trigger"] = {key: rule["trigger"][key] for key in ("type", "parameters")}
        else:
            rule["trigger"] = None
    return {
        "packs": {ref: _plain(pack) for ref, pack in found["packs"].items()},
        "configs": {ref: config["values"] for ref, config in found["configs"].items()},
        "config_schemas": {ref: schema["attributes"] for ref, schema in found["config_schemas"].items()},
        **kinds,
    }


def _plain(document: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    return {key: value for key, value in document.items() if key not in HIDDEN}
