# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""All rules."""

from __future__ import annotations

import typing as t

from .finding import Finding
from .ignore import RULES as IGNORE_RULES
from .pack import Pack
from .rule import Rule
from .rules import config, entry_points, manifest, python_files, references, repository, resources, yaml_files
from .site_rules import RULES as SITE_RULES

_MODULES: t.Tuple[t.Any, ...] = (
    *(manifest, resources, entry_points, references, config, yaml_files, python_files, repository),
)
RULES: t.Tuple[Rule, ...] = (*(rule for module in _MODULES for rule in module.RULES), *IGNORE_RULES, *SITE_RULES)
CHECKS: t.Tuple[t.Callable[[Pack], t.Iterator[Finding]], ...] = tuple(module.check for module in _MODULES)


def rule(name: str) -> t.Optional[Rule]:
    """The rule with an id."""
    return next((one for one in RULES if one.id == name), None)
