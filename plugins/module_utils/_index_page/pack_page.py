# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The page of one pack."""

from __future__ import annotations

import re
import typing as t

from .._html import text
from .findings import findings_section, upstream_lines
from .frame import TITLE, frame, icon, keyword_links, page_of, web_link
from .install import install_section
from .options import config_section
from .pack import Pack
from .resources import resource_sections

_UP = "../../"
_REF = re.compile(r"[a-z0-9_]+")
_MOST_VERSIONS = 100


def pack_page(pack: Pack, refs: t.Container[str], needed_by: t.Sequence[str]) -> bytes:
    """The page.

    :arg refs: Of all packs that have a page.
    :arg needed_by: The refs of packs that depend on this one.
    """
    body = _body(pack, refs, needed_by)
    return frame(f"{pack.ref} · {TITLE}", _UP, body, scripts=("directory.js",))


def _body(pack: Pack, refs: t.Container[str], needed_by: t.Sequence[str]) -> t.Iterator[str]:
    yield "<header>"
    yield f'<p class="back"><a href="{_UP}index.html">All packs</a></p>'
    yield f'<div class="title">{icon(pack, _UP)}<div>'
    version = f' <span class="version">{text(pack.version)}</span>' if pack.version else ""
    yield f"<h1>{text(pack.ref)}{version}</h1>"
    yield f'<p class="lead">{text(pack.description)}</p>'
    yield keyword_links(pack, _UP)
    yield "</div></div>"
    yield "</header>"
    yield '<main class="two">'
    yield "<div>"
    yield from install_section(pack)
    yield from config_section(pack)
    yield from resource_sections(pack)
    yield from findings_section(pack.findings)
    if not pack.described:
        yield (
            '<p class="soft">This pack is from another index, which contains the names of its resources only. Their '
            f"parameters, and the options of its config, are in its repository: {web_link(pack.repo_url)}</p>"
        )
    yield "</div>"
    yield '<aside aria-label="About this pack"><dl class="facts">'
    for label, shown in _facts(pack, refs, needed_by):
        if shown:
            yield f"<dt>{label}</dt><dd>{shown}</dd>"
    yield "</dl></aside>"
    yield "</main>"


def _facts(pack: Pack, refs: t.Container[str], needed_by: t.Sequence[str]) -> t.Iterator[t.Tuple[str, str]]:
    yield "Name", text(pack.name) if pack.name != pack.ref else ""
    yield "Repository", web_link(pack.repo_url)
    yield "Mirror of", _list((web_link(pack.upstream.url), *upstream_lines(pack.upstream))) if pack.upstream else ""
    only = pack.python_versions == ("2",)
    pythons = text(", ".join(pack.python_versions))
    yield "Python", f'<span class="wrong">{pythons} only</span>' if only else pythons
    yield "StackStorm", text(pack.stackstorm_version)
    yield "Config", "A config is required." if pack.requires_config else ""
    yield "Depends on", _list(_dependency(one, refs) for one in pack.dependencies)
    yield "Required by", _list(_pack_link(ref) for ref in needed_by)
    yield "Versions", _versions(pack)
    yield "Commit", f"<code>{text(pack.commit)}</code>" if pack.commit else ""
    yield "Content", f"<code>{text(pack.digest)}</code>" if pack.digest else ""
    yield "Author", text(" ".join(filter(None, (pack.author, f"<{pack.email}>" if pack.email else ""))))
    yield "Contributors", _list(map(text, pack.contributors))
    yield "Listed from", web_link(pack.source) if not pack.described else ""


def dependency_ref(dependency: str) -> str:
    """The ref that a dependency of pack.yaml names; empty where it names a repository."""
    match = _REF.match(dependency)
    return match.group(0) if match and dependency[match.end() :][:1] in ("", "=", " ") else ""


def _dependency(dependency: str, refs: t.Container[str]) -> str:
    ref = dependency_ref(dependency)
    if not ref or ref not in refs:
        return text(dependency)
    return _pack_link(ref) + text(dependency[len(ref) :])


def _pack_link(ref: str) -> str:
    return f'<a href="{_UP}{page_of(ref)}">{text(ref)}</a>'


def _versions(pack: Pack) -> str:
    if not pack.versions:
        return ""
    shown = "".join(f"<li>{text(version)}</li>" for version in pack.versions[:_MOST_VERSIONS])
    more = len(pack.versions) - _MOST_VERSIONS
    return f'<ul class="versions">{shown}{f"<li>and {more} more</li>" if more > 0 else ""}</ul>'


def _list(items: t.Iterable[str]) -> str:
    shown = "".join(f"<li>{item}</li>" for item in items)
    return f"<ul>{shown}</ul>" if shown else ""
