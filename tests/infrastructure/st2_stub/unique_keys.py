# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the database has only once of a kind."""

from __future__ import annotations

from .database import Database, Record

# What each kind is called in MongoDB, as far as anything has to be unique in it.
COLLECTIONS = {"actions": "action_d_b", "rules": "rule_d_b", "aliases": "action_alias_d_b", "policies": "policy_d_b"}


class Conflict(ValueError):
    """What has to be unique is there already: StackStormDBObjectConflictError; ``identity`` is whose it is."""

    def __init__(self, message: str, identity: str) -> None:
        super().__init__(message)
        self.identity = identity


def require_unique(database: Database, kind: str, document: Record, replaces: str = "") -> None:
    """Raise `Conflict` where a resource collides with another one (the unique indexes of models/db).

    :arg replaces: the ref of the one that it is put in place of.
    """
    keys = [("name", "pack"), *([("policy_type", "resource_ref")] if kind == "policies" else [])]
    for fields in keys:
        for other in database.all(kind, **{field: document[field] for field in fields}):
            if other["ref"] != replaces:
                index = "_1_".join(reversed(fields))
                what = ", ".join(f'{field}: "{document[field]}"' for field in reversed(fields))
                raise Conflict(
                    "Tried to save duplicate unique keys (E11000 duplicate key error collection: "
                    f"st2.{COLLECTIONS[kind]} index: {index}_1 dup key: {{ {what} }})",
                    other["id"],
                )
