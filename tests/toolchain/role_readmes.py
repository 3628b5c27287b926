# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables of variables in the READMEs of roles, made from their argument specs.

Run it with a Python that has PyYAML, such as C(.venv/bin/python), to write them anew. C(test_roles.py) says when one is
stale.
"""

from __future__ import annotations

import json
import re
import sys
import typing as t
from pathlib import Path

import yaml

ROLES = Path(__file__).resolve().parents[2] / "roles"
BEGIN, END = "<!-- Made by tests/toolchain/role_readmes.py: begin -->", "<!-- end -->"
_MARKUP = re.compile(r"\b(?:B|C|E|F|M|O|P|RV|V)\(((?:[^()\\]|\\.|\([^()]*\))*)\)")
_LINK = re.compile(r"\bL\(([^,()]+), *([^()]+)\)")
Spec = t.Mapping[str, t.Any]


def roles() -> list[Path]:
    """The directories of the roles."""
    return sorted(path.parent.parent for path in ROLES.glob("*/meta/argument_specs.yml"))


def argument_spec(role: Path) -> Spec:
    """The argument spec of a role's one entry point."""
    document = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    return dict(document["argument_specs"]["main"])


def with_table(readme: str, spec: Spec) -> str:
    """A README with the table of variables as the argument spec has them. Raises ValueError where it has no place."""
    before, begin, rest = readme.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The README has no lines {BEGIN} and {END}, between which the table of variables belongs.")
    return f"{before}{begin}\n\n{_table(spec)}\n{end}{after}"


def _table(spec: Spec) -> str:
    lines = ["| variable | type | default | |", "|---|---|---|---|"]
    for name, option, depth in _options(spec["options"]):
        default = f"`{json.dumps(option['default'])}`" if "default" in option else ""
        if option.get("required"):
            default = "required"
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        if "choices" in option:
            kind = " or ".join(f"`{one}`" for one in option["choices"])
        lines.append(f"| {'&nbsp;&nbsp;' * depth}`{name}` | {kind} | {default} | {_text(option['description'])} |")
    return "".join(f"{line}\n" for line in lines)


def _options(options: Spec, before: str = "", depth: int = 0) -> t.Iterator[tuple[str, Spec, int]]:
    for name, option in options.items():
        yield before + name, option, depth
        mark = "[]." if option.get("elements") == "dict" else "."
        yield from _options(option.get("options", {}), before + name + mark, depth + 1)


def _text(description: str | list[str]) -> str:
    text = description if isinstance(description, str) else " ".join(description)
    return _MARKUP.sub(r"`\1`", _LINK.sub(r"[\1](\2)", text)).replace("|", "\\|").strip()


def main() -> None:
    """Write all of them."""
    for role in roles():
        readme = role / "README.md"
        readme.write_text(with_table(readme.read_text(encoding="utf-8"), argument_spec(role)), encoding="utf-8")
        sys.stdout.write(f"{readme}\n")


if __name__ == "__main__":
    main()
