# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Entries of an index: made of what is known of a pack, and their hash."""

from __future__ import annotations

import hashlib
import typing as t

# What an entry has beside the keys of pack.yaml, in this order. A pack.yaml that has one of them says nothing by it.
OWN_KEYS = ("content", "repo_url", "versions", "commit", "digest", "requires_config", "upstream")

Entry = t.Dict[str, t.Any]


def make_entry(
    pack: t.Mapping[str, t.Any],
    repo_url: str,
    versions: t.Optional[t.Sequence[str]],
    *,
    content: t.Optional[t.Mapping[str, t.Any]] = None,
    **further: t.Any,
) -> Entry:
    """An entry, its keys in the order by which the Exchange makes the hash: those of the pack, then our own.

    :arg pack: The content of pack.yaml; a C(content) in it, as published ones have, is that of the entry by default.
    :arg further: C(commit), C(digest), C(requires_config) and C(version), C(None) for what is not known.
    """
    entry = {key: value for key, value in pack.items() if key not in OWN_KEYS}
    if further.get("version") is not None:
        entry["version"] = further["version"]
    own = {"content": pack.get("content") if content is None else content, "repo_url": repo_url, **further}
    if versions is not None:
        own["versions"] = list(versions)
    entry.update((key, own[key]) for key in OWN_KEYS if own.get(key) is not None)
    return entry


def pack_of(entry: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """What the published pack.yaml of an entry says: the keys of the pack, and C(content)."""
    pack = {key: value for key, value in entry.items() if key not in OWN_KEYS}
    if "content" in entry:
        pack["content"] = entry["content"]
    return pack


def entries_hash(entries: t.Mapping[str, Entry]) -> str:
    """The C(hash) of an index: MD5 over every entry as Python writes it, in the order of the published files.

    It follows .circle/index.py build_index of StackStorm-Exchange/ci. It is no protection; that is the signature.
    """
    digest = _md5()
    for ref in sorted(entries):
        digest.update(str(entries[ref]).encode("utf-8", "backslashreplace"))
    return str(digest.hexdigest())


def _md5() -> t.Any:
    try:
        return hashlib.md5(usedforsecurity=False)  # also where the system allows none for security
    except TypeError:  # Python 3.8
        return hashlib.md5()  # noqa: S324  # The Exchange's rule; it protects nothing.
