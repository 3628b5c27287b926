# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a satisfied task does not do, whatever the machine; and that every benchmark runs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infrastructure.st2_stub import StackStormStub

from benchmarks.bundles import measure_bundle
from benchmarks.exchanges import measure_exchange, small_shapes
from benchmarks.fresh import measure_fresh, measure_large
from benchmarks.indexes import measure_index
from benchmarks.probe import probe
from benchmarks.satisfied import (
    COMPILED_TWICE,
    HEAVY,
    MOST_LINES_WITH_API,
    MOST_LINES_WITHOUT_API,
    NEEDED_WITH_API,
    NEEDED_WITHOUT_API,
    loaded,
    measure,
    satisfied,
)
from benchmarks.world import world


def test_a_satisfied_task_starts_nothing_asks_nobody_and_imports_little(tmp_path: Path) -> None:
    with world(tmp_path / "world", 5) as measured:
        probe(measured)
        measured.git.clear()
        measured.index.clear()
        found, programs = satisfied(measured, tmp_path / "programs")
        assert found.result["changed"] is False
        assert [pack["action"] for pack in found.result["packs"]] == ["none"] * 5
        assert programs == []
        assert (measured.git.requests, measured.index.requests) == ([], [])
        assert [name for name in HEAVY if name in found.modules] == []
        assert found.peak_mebibytes < 100
        lines = loaded(found)
        assert sorted(set(lines) - NEEDED_WITHOUT_API) == [], "what only a change needs is imported where it is used"
        assert sum(lines.values()) <= MOST_LINES_WITHOUT_API
        twice = {name for name in found.compiled if found.compiled.count(name) > 1 and "/plugins/" in name}
        assert sorted(name for name in twice if not name.endswith(("/__init__.py", *COMPILED_TWICE))) == []


def test_a_satisfied_task_with_the_api_imports_little_more(tmp_path: Path) -> None:
    with world(tmp_path / "world", 2) as measured, StackStormStub(measured.host) as stub:
        access = {"register": "api", "api_url": stub.api_url, "api_key": stub.api_key}
        probe(measured, **access)
        found = probe(measured, **access)
        assert found.result["changed"] is False
        assert [pack["database_state"] for pack in found.result["packs"]] == ["current"] * 2
        assert [name for name in HEAVY if name in found.modules] == []
        lines = loaded(found)
        assert sorted(set(lines) - NEEDED_WITH_API) == [], "what only a change needs is imported where it is used"
        assert sum(lines.values()) <= MOST_LINES_WITH_API


def test_every_benchmark_runs_and_gives_a_table(tmp_path: Path) -> None:
    tables = [
        measure(tmp_path / "a", (1, 2), 1),
        measure_fresh(tmp_path / "b", 2),
        measure_fresh(tmp_path / "c", 2, requirement=True),
        measure_large(tmp_path / "d", 50),
        measure_index(tmp_path / "e", 2),
        measure_bundle(tmp_path / "f", 2, 1, 1),
        measure_exchange(tmp_path / "g", small_shapes(2), 2),
    ]
    for table in tables:
        print(table.markdown())
        assert len(table.rows) >= 3
        assert all(row.seconds > 0 for row in table.rows)
