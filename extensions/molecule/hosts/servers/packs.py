# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packs that the git server has, each with its releases in order. Scenarios may count on them as they are."""

from __future__ import annotations

import typing as t

from infrastructure.packs import PackTree

RELEASES: t.Mapping[str, t.Sequence[PackTree]] = {
    # Needs a package of the package index, and has a config schema.
    "greeter": [
        PackTree("greeter", version, requirements=["tinydep>=1.0.0"], imports=["tinydep"])
        for version in ("1.0.0", "1.1.0")
    ],
    # Needs another pack.
    "ledger": [PackTree("ledger", "2.0.0", dependencies=["greeter"], minimal=True)],
    # Needs nothing.
    "clock": [PackTree("clock", version, minimal=True) for version in ("0.1.0", "0.2.0")],
    # StackStorm 3.9 must refuse it.
    "future": [PackTree("future", "1.0.0", stackstorm_version=">=9.0.0", minimal=True)],
}
