# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Values written as YAML, the way a person would."""

from __future__ import annotations

import typing as t

from .._libraries import require

_ENDLESS = 1 << 30


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
        style = "|" if lines else '"' if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return Dumper
