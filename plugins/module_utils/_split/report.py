# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a result says about split repositories."""

from __future__ import annotations

import typing as t

from .._secrets import strip_urls

if t.TYPE_CHECKING:
    from .plan import SplitPack, Steps


def row(split: SplitPack, steps: Steps, *, place: str, mapping: str) -> t.Dict[str, t.Any]:
    """One pack as the module returns it.

    :arg place: Where its repository is put, and C(mapping) the identifiers of its commits.
    """
    pack, bare, target = split.pack, split.bare, split.target
    signed = [tag.was for tag in split.choice.kept if tag.signed]
    return {
        "ref": pack.ref,
        "version": pack.version,
        "path": pack.asked.path,
        "former_paths": list(pack.asked.former_paths),
        "former_paths_found": list(pack.former),
        "repository": place,
        "mapping": mapping,
        "head": bare.refs[bare.head],
        "commits": bare.count(),
        "authors": bare.authors(),
        "size": bare.size(),
        "branches": sorted(name[len("refs/heads/") :] for name in bare.refs if name.startswith("refs/heads/")),
        "dropped_branches": sorted(bare.dropped_branches),
        "tags": [
            {"name": tag.name, "was": tag.was, "commit": bare.commit(f"refs/tags/{tag.name}")}
            for tag in split.choice.kept
        ],
        "dropped_tags": [{"name": tag.name, "reason": tag.reason} for tag in split.choice.dropped],
        "unsigned_tags": signed,
        "outside": list(split.outside),
        "url": strip_urls(target.url) if target else None,
        "target": target.state if target else None,
        "written": steps.write,
        "pushed": steps.push,
    }


def notes(split: SplitPack) -> t.List[str]:
    """What a person should know of a split repository."""
    pack = split.pack
    found = list(pack.warnings)
    if pack.former:
        found.append(
            f"{pack.ref}: git found that it was in {', '.join(pack.former)} before. That part of its history is left "
            "out. Set former_paths to include it."
        )
    signed = [tag.was for tag in split.choice.kept if tag.signed]
    if signed:
        found.append(f"{pack.ref}: {', '.join(signed)} lost the signature, since the commit was rewritten.")
    found.extend(f"{pack.ref}: {text}" for text in split.outside)
    return found


def line(splits: t.Sequence[t.Tuple[SplitPack, Steps]]) -> str:
    """All packs in one line."""
    parts = []
    for split, steps in splits:
        bare = split.bare
        done = ["written"] * steps.write + ["pushed"] * steps.push
        commits, tags = bare.count(), len(split.choice.kept)
        parts.append(
            f"{split.ref} ({commits} commit{'' if commits == 1 else 's'}, {tags} tag{'' if tags == 1 else 's'}, "
            f"{' and '.join(done) or 'as it was'})"
        )
    return ", ".join(parts)


def diff(splits: t.Sequence[t.Tuple[SplitPack, Steps]], place: t.Callable[[str], str]) -> t.List[t.Dict[str, str]]:
    """The refs of the repositories that are written, and of those that are pushed to."""
    found = []
    for split, steps in splits:
        after = _refs(split.bare.refs)
        if steps.write:
            before = _refs(split.existing.bare.refs) if split.existing.bare else ""
            found.append(_entry(place(split.ref), before, after))
        if steps.push and split.target:
            found.append(_entry(strip_urls(split.target.url), "", after))
    return found


def _entry(name: str, before: str, after: str) -> t.Dict[str, str]:
    return {"before_header": name, "after_header": name, "before": before, "after": after}


def _refs(refs: t.Mapping[str, str]) -> str:
    return "".join(f"{refs[name]} {name}\n" for name in sorted(refs))
