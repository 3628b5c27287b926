# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Values as text in HTML, none of which can be markup."""

from __future__ import annotations

import html
import typing as t

from ._printable import printable


def text(value: t.Any) -> str:
    """A value as text that cannot be markup, and with nothing invisible in it."""
    return html.escape(printable(str(value)), quote=True)
