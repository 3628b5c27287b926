# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(e) An index of many repositories, against asking all of them what branches and tags they have."""

from __future__ import annotations

import time
from pathlib import Path

from infrastructure.ansible_run import run_module_directly

from .world import Table, World, timed, world

AT_ONCE = 4


def ask_all(measured: World) -> float:
    """The floor of a later run: `git ls-remote` of each, as many at once as the module does."""
    (measured.root / "urls").write_text("".join(f"{measured.url(pack)}\n" for pack in measured.packs))
    # By a process of its own, as this one is busy as the server; and each in a session of its own, as the module starts
    # programs: a busy machine divides its time among sessions.
    at_once = ["xargs", "-a", measured.root / "urls", "-P", str(AT_ONCE), "-n", "1"]
    return timed([*at_once, "setsid", "--wait", "git", "ls-remote", "--symref"], measured.environment())


def build(measured: World, path: Path) -> float:
    """Seconds of the module, which must list all packs."""
    started = time.monotonic()
    result = run_module_directly(
        "st2_index",
        {"path": str(path), "packs": list(map(measured.url, measured.packs)), "ca_bundle": measured.ca_file},
        env=measured.environment(),
    )
    if result.failed or result["pack_count"] != len(measured.packs):
        raise RuntimeError(result.everything)
    return time.monotonic() - started


def measure_index(root: Path, count: int = 200) -> Table:
    """The table of the question (e)."""
    table = Table(f"(e) An index of {count} repositories")
    with world(root, count) as measured:
        path = root / "index"
        before = ask_all(measured)
        first = build(measured, path)
        measured.git.clear()
        again = build(measured, path)
        requests = list(measured.git.fetches)
        again = min(again, build(measured, path))
        floor = table.add(f"floor: git ls-remote of all, {AT_ONCE} at once", min(before, ask_all(measured)))
        table.add("st2_index, nothing there before", first, floor)
        table.add("st2_index again", again, floor)
        table.notes.append(f"Again: {len(requests)} requests for refs, of {len(set(requests))} repositories.")
    return table
