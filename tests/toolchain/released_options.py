# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options that the last release had, in C(released_options.json); C(make release) writes it by this program.

What is new since then says so (C(version_added)), which a test holds against it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

PLACE = Path(__file__).with_suffix(".json")

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from infrastructure.module_docs import MODULES, documented_options

    PLACE.write_text(json.dumps({one: sorted(documented_options(one)) for one in MODULES}, indent=1) + "\n")
