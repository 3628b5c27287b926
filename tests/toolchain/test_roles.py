# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written of roles in several places is the same in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pytest
import role_readmes
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import pack_options

ROLES = role_readmes.roles()
# What roles leave for other plays: no internal variables.
FACTS = {"exchange": {"st2_exchange_ca_content"}}
every_role = pytest.mark.parametrize("role", ROLES, ids=[role.name for role in ROLES])


def defaults(role: Path) -> dict[str, object]:
    """The defaults of a role."""
    return dict(yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8")) or {})


def test_there_are_roles_and_all_have_a_spec() -> None:
    assert ROLES and sorted(path for path in role_readmes.ROLES.iterdir() if path.is_dir()) == ROLES


@every_role
def test_the_readme_has_the_variables_of_the_spec(role: Path) -> None:
    readme = (role / "README.md").read_text(encoding="utf-8")
    assert readme == role_readmes.with_table(readme, role_readmes.argument_spec(role)), (
        "The table is stale. Run: .venv/bin/python tests/toolchain/role_readmes.py"
    )


@every_role
def test_defaults_and_spec_agree(role: Path) -> None:
    options = role_readmes.argument_spec(role)["options"]
    specified = {name: option["default"] for name, option in options.items() if "default" in option}
    assert defaults(role) == specified
    assert [name for name in options if not name.startswith("st2_")] == []


@every_role
def test_what_roles_share_is_the_same_in_each(role: Path) -> None:
    options = role_readmes.argument_spec(role)["options"]
    for other in ROLES:
        for name, option in role_readmes.argument_spec(other)["options"].items():
            assert options.get(name, option) == option, f"{name} of {role.name} and {other.name}"


def test_items_of_packs_are_those_of_the_module() -> None:
    items = pack_options().options["packs"]["options"]
    options = role_readmes.argument_spec(role_readmes.ROLES / "packs")["options"]
    # The module hides secrets by itself. Ansible, which checks what a role is given, has to be told.
    assert items["secrets"]["no_log"] is False and options["st2_packs"]["options"]["secrets"]["no_log"] is True
    # An action plugin gives the one, and the default of the other is that of the module.
    assert _shape(options["st2_packs"]["options"]) == _shape({k: v for k, v in items.items() if k != "upload"})
    assert options["st2_packs_defaults"]["options"] == options["st2_packs"]["options"]


def _shape(options: Mapping[str, Any]) -> dict[str, object]:
    return {
        name: {
            **{key: value for key, value in option.items() if key in ("type", "elements", "choices")},
            "options": _shape(option.get("options", {})),
        }
        for name, option in options.items()
    }


@every_role
def test_internal_variables_are_named_so(role: Path) -> None:
    for path in role.glob("tasks/*.yml"):
        for task in _tasks(yaml.safe_load(path.read_text(encoding="utf-8"))):
            names = [task["register"]] if "register" in task else []
            names += [name for name in task.get("ansible.builtin.set_fact", {}) if name != "cacheable"]
            names = [name for name in names if name not in FACTS.get(role.name, ())]
            assert [name for name in names if not name.startswith("__st2_")] == [], path


def _tasks(tasks: list[dict[str, object]]) -> list[dict[str, object]]:
    found = []
    for task in tasks:
        inner = [one for part in ("block", "rescue", "always") for one in task.get(part, [])]
        found += [task, *_tasks(inner)]
    return found


def test_a_table_is_made_of_nested_options_and_without_markup() -> None:
    inner = {"key": {"type": "str", "description": ["As O(other) of M(a.b.c).", "Or V(x|y)."]}}
    options = {
        "st2_items": {"type": "list", "elements": "dict", "default": [], "description": "Some.", "options": inner}
    }
    table = role_readmes.with_table(f"a\n{role_readmes.BEGIN}\nold\n{role_readmes.END}\nb\n", {"options": options})
    assert "| `st2_items` | list of dict | `[]` | Some. |\n" in table
    assert "`st2_items[].key` | str |  | As `other` of `a.b.c`. Or `x\\|y`. |" in table
    assert table.startswith("a\n") and table.endswith("b\n") and "old" not in table
    with pytest.raises(ValueError, match="has no lines"):
        role_readmes.with_table("a", {"options": {}})


@pytest.mark.parametrize("passwords", [[], ["me:$2y$05$hash"]])
def test_what_needs_a_password_is_kept_in_no_shared_cache(passwords: list[str]) -> None:
    template = role_readmes.ROLES / "exchange" / "templates" / "site.conf.j2"
    engine = jinja2.Environment(undefined=jinja2.ChainableUndefined, trim_blocks=True, autoescape=False)
    site = engine.from_string(template.read_text(encoding="utf-8")).render(st2_exchange_htpasswd=passwords)
    assert ('"public, ' in site) is not bool(passwords) and site.count("auth_basic_user_file") == len(passwords)
