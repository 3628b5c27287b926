# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What the lint found in a pack, and what became of where a mirror has it from, as parts of its page."""

from __future__ import annotations

import typing as t

from .._html import text
from .._index.inspection import Findings
from .._source.index_upstream import Upstream
from .pack import line

_MOST = 100
_LEVELS = ("error", "warning", "info")
_WORDS = {"error": "error", "warning": "warning", "info": "hint"}


def findings_section(findings: t.Optional[Findings]) -> t.Iterator[str]:
    """The part of the page about findings.

    :arg findings: C(None) where nobody looked.
    """
    if findings is None:
        return
    ranked = sorted(findings, key=lambda one: _LEVELS.index(one["level"]))
    yield '<section aria-labelledby="findings">'
    yield f'<h2 id="findings">Lint findings <span class="count">{len(ranked)}</span></h2>'
    if not ranked:
        yield '<p class="soft">st2_pack_lint finds nothing in this version.</p>'
    else:
        heads = "".join(f'<th scope="col">{head}</th>' for head in ("File", "Level", "Rule", "Finding"))
        yield f'<table class="findings"><thead><tr>{heads}</tr></thead><tbody>'
        yield from map(_row, ranked[:_MOST])
        yield "</tbody></table>"
        if len(ranked) > _MOST:
            yield f"<p>{len(ranked) - _MOST:,} more findings are not shown.</p>"
    yield "</section>"


def _row(finding: t.Mapping[str, t.Any]) -> str:
    place = line(finding["file"]) + (f":{finding['line']}" if finding["line"] else "")
    level = _WORDS[finding["level"]]
    shown = f'<span class="note wrong">{level}</span>' if level == "error" else level
    return (
        f'<tr><th scope="row">{text("pack" if place == "." else place)}</th><td>{shown}</td>'
        f"<td><code>{text(finding['rule'])}</code></td><td>{text(line(finding['message']))}</td></tr>"
    )


def upstream_lines(upstream: t.Optional[Upstream]) -> t.Iterator[str]:
    """What a reader should know of where a mirror has the pack from."""
    if upstream is None:
        return
    for tags, what in ((upstream.moved_tags, "moved"), (upstream.deleted_tags, "deleted")):
        if tags:
            yield f'<span class="wrong">{text(", ".join(tags))}: {what} there, served here as before</span>'
    if upstream.error:
        yield f'<span class="wrong">{text(line(upstream.error))}</span>'
