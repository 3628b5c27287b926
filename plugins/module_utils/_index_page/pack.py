# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A pack as its page shows it: whatever an index says of it, as plain values of the types that are expected."""

from __future__ import annotations

import json
import typing as t

from .._content.versions import is_semver
from .._index.describe import Description
from .._index.entry import Entry
from .._index.inspection import Findings
from .._printable import printable
from .._source.index_upstream import Upstream, upstream_of

# In the order in which they are shown.
KINDS = ("actions", "sensors", "aliases", "rules", "triggers", "policies", "runners", "tests")
_NAME_KEYS = {"sensors": "class_name"}
MOST_LETTERS = 2000
_MOST_WORDS = 200
_MOST_LISTED = 1000
_SCHEMA = "config.schema.json"

Resource = t.Mapping[str, t.Any]


class Pack(t.NamedTuple):
    """A pack.

    :arg version: What is installed when nobody asks for another one; a branch has no version, only a name.
    :arg source: Where it was read from, or the index that lists it.
    :arg described: Whether more than the entry of an index is known of it.
    :arg counts: How many resources it has of each kind.
    :arg resources: Of each kind the names, each with what its file says, which may be nothing.
    :arg schema: Of its config, by key; C(None) without one.
    :arg sound: Whether StackStorm takes its files, and with that the schema.
    :arg findings: Of the lint; C(None) where nobody looked.
    :arg upstream: What is known of the repository that a mirror has it from.
    """

    ref: str
    name: str
    version: str
    description: str
    author: str
    email: str
    contributors: t.Tuple[str, ...]
    keywords: t.Tuple[str, ...]
    python_versions: t.Tuple[str, ...]
    stackstorm_version: str
    repo_url: str
    commit: str
    digest: str
    versions: t.Tuple[str, ...]
    dependencies: t.Tuple[str, ...]
    requires_config: bool
    source: str
    described: bool
    has_icon: bool
    counts: t.Mapping[str, int]
    resources: t.Mapping[str, t.Tuple[t.Tuple[str, Resource], ...]]
    schema: t.Optional[Resource]
    sound: bool
    findings: t.Optional[Findings] = None
    upstream: t.Optional[Upstream] = None

    @property
    def exact(self) -> str:
        """The version, if it is one that a command can name."""
        return self.version if is_semver(self.version) else ""


def pack_from(
    ref: str,
    entry: Entry,
    source: str,
    described: t.Optional[Description],
    findings: t.Optional[Findings] = None,
) -> Pack:
    """What is to be shown of an entry.

    :arg described: What was read from the pack itself; C(None) for one that was taken over from another index.
    """
    counts, resources = _resources(entry.get("content"), described)
    return Pack(
        ref=ref,
        name=line(entry.get("name")),
        version=line(entry.get("version")),
        description=line(entry.get("description")),
        author=line(entry.get("author")),
        email=line(entry.get("email")),
        contributors=_lines(entry.get("contributors")),
        keywords=tuple(sorted(set(_lines(entry.get("keywords"))), key=lambda word: (word.lower(), word))),
        python_versions=_lines(entry.get("python_versions")),
        stackstorm_version=line(entry.get("stackstorm_version")),
        repo_url=line(entry.get("repo_url")),
        commit=line(entry.get("commit")),
        digest=line(entry.get("digest")),
        versions=_lines(entry.get("versions")),
        dependencies=_lines(entry.get("dependencies")),
        requires_config=entry.get("requires_config") is True,
        source=line(source),
        described=described is not None,
        has_icon=bool(described and described.icon),
        counts=counts,
        resources=resources,
        schema=_schema(described),
        sound=bool(described and described.content_problem is None),
        findings=findings,
        upstream=upstream_of(entry),
    )


def line(value: t.Any, most: int = MOST_LETTERS) -> str:
    """A value as one line of text that shows all that is in it; nothing for what is no text."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    text = str(value)
    text = printable(" ".join(text[: 8 * most].split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _lines(value: t.Any) -> t.Tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(filter(None, (line(one, _MOST_WORDS) for one in listed[:_MOST_LISTED])))


def _resources(
    content: t.Any, described: t.Optional[Description]
) -> t.Tuple[t.Dict[str, int], t.Dict[str, t.Tuple[t.Tuple[str, Resource], ...]]]:
    content = content if isinstance(content, t.Mapping) else {}
    counts: t.Dict[str, int] = {}
    found: t.Dict[str, t.Tuple[t.Tuple[str, Resource], ...]] = {}
    for kind in KINDS:
        listed = content.get(kind)
        names = listed.get("resources") if isinstance(listed, t.Mapping) else None
        known = _known(kind, described)
        rows = {line(name, _MOST_WORDS): known.get(name, {}) for name in _names(names)}
        rows.pop("", None)
        if rows:
            counts[kind] = len(rows)
            found[kind] = tuple(sorted(rows.items()))
    return counts, found


def _names(value: t.Any) -> t.List[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _known(kind: str, described: t.Optional[Description]) -> t.Dict[str, Resource]:
    """What the files of the pack say of its resources, by name."""
    found: t.Dict[str, Resource] = {}
    key = _NAME_KEYS.get(kind, "name")
    for path, content in (described.files if described else {}).items():
        if path.startswith(f"{kind}/"):
            metadata = json.loads(content)
            if isinstance(metadata.get(key), str):
                found[metadata[key]] = metadata
    return found


def _schema(described: t.Optional[Description]) -> t.Optional[Resource]:
    content = described.files.get(_SCHEMA) if described else None
    schema = json.loads(content) if content else None
    return schema if isinstance(schema, dict) and schema else None
