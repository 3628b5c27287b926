# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All figures as Markdown: C(python -m benchmarks), with tests/ on the path; C(--small) for a quick look."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from pathlib import Path

from infrastructure.real_data import MISSING

from .bundles import measure_bundle
from .exchanges import measure_exchange, real_shapes, small_shapes
from .fresh import measure_fresh, measure_large
from .indexes import measure_index
from .satisfied import measure


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="few packs, once")
    parser.add_argument("only", nargs="*", help="a, b, c, d, e, f, g; all by default")
    chosen = parser.parse_args()
    small, letters = chosen.small, chosen.only or list("abcdefg")
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        root = Path(folder)
        if "a" in letters:
            print(measure(root / "a", (1, 5, 10) if small else (1, 50, 200), 1 if small else 5).markdown(), flush=True)
        if "b" in letters:
            print(measure_fresh(root / "b", 3 if small else 20).markdown(), flush=True)
        if "c" in letters:
            print(measure_fresh(root / "c", 3 if small else 20, requirement=True).markdown(), flush=True)
        if "d" in letters:
            print(measure_large(root / "d", 100 if small else 3500).markdown(), flush=True)
        if "e" in letters:
            print(measure_index(root / "e", 5 if small else 200).markdown(), flush=True)
        if "f" in letters:
            sizes = (3, 1, 1) if small else (20, 5, 3)
            print(measure_bundle(root / "f", *sizes).markdown(), flush=True)
        if "g" in letters:
            shapes = small_shapes(4) if small else real_shapes()
            if shapes:
                print(measure_exchange(root / "g", shapes, 5 if small else 50).markdown(), flush=True)
            else:
                print(f"(g): {MISSING}\n", flush=True)


if __name__ == "__main__":
    main()
