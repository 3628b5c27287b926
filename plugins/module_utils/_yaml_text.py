# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Values as YAML says them: written the way a person would, and told apart where YAML tells them apart."""

from __future__ import annotations

import math
import re
import typing as t

from ._libraries import require

_ENDLESS = 1 << 30
# PyYAML writes line breaks of Unicode as they are, and then reads them as other ones.
_READ_OTHERWISE = re.compile("[\x85\u2028\u2029\ufeff]")


def same(one: t.Any, other: t.Any) -> bool:
    """Whether two values are the same to StackStorm: V(true), V("true"), V(1) and V(1.0) are four."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)


def block(values: t.Any) -> str:
    """Values as a document: a line for each key in the order given, text of several lines as such, no aliases."""
    return _dump(values, flow=False)


def flow(value: t.Any) -> str:
    """A value in one line."""
    text = _dump(value, flow=True)
    return (text[: -len("...\n")] if text.endswith("\n...\n") else text).rstrip("\n")


def _dump(value: t.Any, *, flow: bool) -> str:
    text: str = require("PyYAML").dump(
        value,
        Dumper=_dumper(flow),
        default_flow_style=flow,
        sort_keys=False,
        allow_unicode=True,
        width=_ENDLESS,
    )
    return text


def _dumper(flow: bool) -> t.Any:
    yaml = require("PyYAML")

    class Dumper(yaml.SafeDumper):  # type: ignore[misc,name-defined]
        """PyYAML's, without aliases, and with text of several lines as lines."""

        def ignore_aliases(self, data: t.Any) -> bool:
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> t.Any:
            return super().increase_indent(flow, False)

    def text(dumper: t.Any, value: str) -> t.Any:
        lines = "\n" in value and not flow
        style = '"' if ("\n" in value and flow) or _READ_OTHERWISE.search(value) else "|" if lines else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return Dumper
