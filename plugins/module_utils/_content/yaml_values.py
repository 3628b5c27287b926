# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Values that YAML made something else of than text."""

from __future__ import annotations

import typing as t

from .._errors import OptionError


def not_text(what: str, value: t.Any) -> OptionError:
    """What to tell of a value that is no text, as YAML has made something else of it.

    :arg what: What has the value, such as C(The version of sensu).
    """
    if isinstance(value, bool):
        return OptionError(f"{what} is not a string: YAML reads it as the boolean {str(value).lower()}. Quote it.")
    if isinstance(value, (int, float)):
        # 1.10 is 1.1 then, and 0123 is 83.
        return OptionError(f'{what} is not a string: YAML reads it as the number {value}. Quote it, as in "1.10".')
    return OptionError(f"{what} must be a string, not {type(value).__name__}.")
