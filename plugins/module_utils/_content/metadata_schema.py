# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""pack.yaml as a JSON Schema: what StackStorm 3.9.0 takes when it registers a pack.

It follows st2common/models/api/pack.py PackAPI together with st2common/models/db/pack.py PackDB, and differs in this:

* C(required) is draft 4's list, and C(null) is allowed where StackStorm adds it by itself
  (st2common/util/schema/__init__.py modify_schema_allow_default_none).
* Patterns end in C(\\Z), since C($) would also take a newline at the end, and count ASCII digits only.
* C(email) is required, as the database model is filled from it without asking whether it is there.
* C(version) is a string: StackStorm makes one of a number, but the text of no number is a version.
* C(ref) has a limit: it becomes the name of files, of which Linux takes 255 bytes, with what else is in such a name.
* C(files) and C(path) may be anything: registration overwrites both before it looks at them
  (st2common/bootstrap/base.py _register_pack_db).

Every C(description) is what the value must be, so that it can end a sentence that begins with what was found.
"""

from __future__ import annotations

import typing as t

# st2common/constants/pack.py PACK_REF_WHITELIST_REGEX, PACK_VERSION_REGEX and ST2_VERSION_REGEX.
REF_PATTERN = r"^[a-z0-9_]{1,200}\Z"
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PARTS = r"[0-9a-z-]+(?:\.[0-9a-z-]+)*"
VERSION_PATTERN = rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PARTS})?(?:\+{_PARTS})?\Z"
STACKSTORM_VERSION_PATTERN = r"^(?:(?:>>?|>=|=|<=|<<?)\s*[0-9]+\.[0-9]+\.[0-9]+\s*(?:,\s*)?)+\Z"


def _strings(description: str, **limits: t.Any) -> t.Dict[str, t.Any]:
    return {"type": ["array", "null"], "items": dict({"type": "string"}, **limits), "description": description}


PACK_SCHEMA: t.Dict[str, t.Any] = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "title": "pack.yaml",
    "type": "object",
    "required": ["name", "description", "version", "author", "email"],
    "properties": {
        "ref": {
            "type": ["string", "null"],
            "pattern": rf"^\Z|{REF_PATTERN}",
            "description": "lower-case letters, digits and underscores, at most 200",
        },
        "name": {"type": "string", "description": "a string, the name that people read"},
        "description": {"type": "string", "description": "a string, which may be empty"},
        "keywords": _strings("a list of strings"),
        "version": {
            "type": "string",
            "pattern": VERSION_PATTERN,
            "description": 'three numbers in quotes, like "0.1.0" or "1.0.0-rc.1", no "v", no extra zeros, no capitals',
        },
        "stackstorm_version": {
            "type": ["string", "null"],
            "pattern": STACKSTORM_VERSION_PATTERN,
            "description": 'comparisons with full versions, like ">=3.0.0, <4.0.0"',
        },
        "python_versions": {
            "type": ["array", "null"],
            "items": {"type": "string", "enum": ["2", "3"]},
            "minItems": 1,
            "maxItems": 2,
            "uniqueItems": True,
            "description": 'a list of "2" or "3" or both, in quotes',
        },
        "author": {"type": "string", "description": "a string (more people go into contributors)"},
        "email": {
            "type": ["string", "null"],
            "description": 'an address like "you@example.com", or null, and the key must be there',
        },
        "contributors": _strings("a list of strings of at most 100 characters each", maxLength=100),
        "dependencies": _strings('a list of strings like "core" or "https://example.com/pack.git=1.0.0"'),
        "system": {"type": ["object", "null"], "description": "a mapping"},
        "id": {"type": ["string", "null"], "description": "a string"},
        "uid": {"type": ["string", "null"], "description": "a string"},
    },
    "additionalProperties": True,
}
