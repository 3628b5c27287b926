# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The report on a bundle: its packs, the platforms it supports, and how it differs from another bundle."""

from __future__ import annotations

import typing as t

from .layout import KINDS, Manifest, source_name

if t.TYPE_CHECKING:
    from .._lock.document import Lock


def described(manifest: Manifest, lock: Lock) -> t.Dict[str, t.Any]:
    """The return values about a bundle."""
    return {
        "digest": manifest.digest,
        "size": sum(size for size in {blob.digest: blob.size for blob in manifest.blobs}.values()),
        "packs": [
            {
                "ref": ref,
                "version": pack.version,
                "commit": pack.commit or None,
                "source": source_name(pack.source, pack.subdir, is_directory=pack.is_directory),
                "content": pack.content,
            }
            for ref, pack in sorted(lock.packs.items())
        ],
        "platforms": {key: _packages_of(lock, key) for key in sorted(lock.platforms)},
        "blobs": {kind: sum(blob.kind == kind for blob in manifest.blobs) for kind in KINDS},
    }


def _packages_of(lock: Lock, key: str) -> t.Dict[str, t.Any]:
    """What a bundle has for a platform.

    C(without) are the packs whose requirements it does not have there.
    """
    found = {pin for pack in lock.packs.values() for pin in pack.wheels.get(key, ())}
    without = [ref for ref, pack in sorted(lock.packs.items()) if pack.requirements and key not in pack.wheels]
    return {"python": lock.platforms[key].python, "packages": sorted(found), "without": without}


def line(path: str, manifest: Manifest, lock: Lock) -> str:
    """A bundle in one line."""
    parts = [_number(len(lock.packs), "pack"), _number(len(lock.wheels), "Python package")]
    return f"{path}: {', '.join(parts)}, {manifest.digest[:19]}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def listing(manifest: t.Optional[Manifest], lock: t.Optional[Lock]) -> str:
    """A bundle as lines, for comparing one with another; empty for none."""
    if manifest is None or lock is None:
        return ""
    packs = [f"pack {ref} {pack.version} {pack.commit or pack.content}" for ref, pack in sorted(lock.packs.items())]
    files = sorted(f"package {blob.name} {blob.digest}" for blob in manifest.blobs if blob.kind == "package")
    return "".join(f"{one}\n" for one in (*packs, *files, f"digest {manifest.digest}"))
