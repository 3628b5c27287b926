# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a collection needs to be taken into Ansible's package, and what people look for in one."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from environments import ROOT
from infrastructure.module_docs import MODULES, documented_options, version_added
from released_options import PLACE as RELEASED
from stages import STAGES

TARGETS = ROOT / "tests" / "integration" / "targets"
WORKFLOW = ROOT / ".github" / "workflows" / "test.yml"


def test_every_module_has_an_integration_target() -> None:
    targets = {path.name for path in TARGETS.iterdir() if not path.name.startswith("setup_")}
    assert {"lacking": sorted(set(MODULES) - targets), "without a module": sorted(targets - set(MODULES))} == {
        "lacking": [],
        "without a module": [],
    }


@pytest.mark.parametrize("target", sorted(path.name for path in TARGETS.iterdir()))
def test_a_target_says_where_it_may_run_and_cleans_up(target: str) -> None:
    place = TARGETS / target
    aliases = [
        line for line in (place / "aliases").read_text(encoding="utf-8").splitlines() if line[:1] not in ("", "#")
    ]
    wanted = ["hidden"] if target.startswith("setup_") else ["posix/ci"]
    assert [alias for alias in aliases if alias != "gather_facts/no"] == wanted
    if not target.startswith("setup_"):
        (play,) = yaml.safe_load((place / "tasks" / "main.yml").read_text(encoding="utf-8"))
        assert play["always"][0]["ansible.builtin.file"]["state"] == "absent"


def test_the_workflow_runs_every_stage_with_nobodys_rights() -> None:
    # YAML reads "on" as true.
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8").replace("\non:\n", '\n"on":\n'))
    (job,) = workflow["jobs"].values()
    assert sorted(job["strategy"]["matrix"]["stage"]) == sorted(stage.name for stage in STAGES)
    assert workflow["permissions"] == {"contents": "read"} and "permissions" not in job
    assert "secrets" not in re.sub(r"(?m)^ +- secrets$", "", WORKFLOW.read_text(encoding="utf-8"))
    assert {"pull_request", "schedule"} <= set(workflow["on"]) and "pull_request_target" not in workflow["on"]
    actions = [step["uses"] for step in job["steps"] if "uses" in step]
    assert actions and all(re.fullmatch(r"actions/[a-z-]+@v\d+\.\d+\.\d+", action) for action in actions), actions


def test_readme_lists_all_that_there_is() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| (.+?) \|", readme)
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    wanted = [f"`stackstorm.st2.{module}`" for module in MODULES]
    wanted += [f"playbook `stackstorm.st2.{path.stem}`" for path in sorted((ROOT / "playbooks").glob("*.yml"))]
    wanted += [f"filter `stackstorm.st2.{path.stem}`" for path in sorted((ROOT / "plugins/filter").glob("*.py"))]
    wanted += [f"action group `stackstorm.st2.{group}`" for group in sorted(runtime["action_groups"])]
    wanted += [
        f"role [`stackstorm.st2.{path.name}`](roles/{path.name}/README.md)"
        for path in sorted((ROOT / "roles").iterdir())
    ]
    assert [row for row in wanted if row not in rows] == []
    listed = [row for row in rows if "stackstorm.st2." in row]
    assert sorted(listed) == sorted(wanted), "README lists something that is not there, or twice"


@pytest.mark.parametrize("module", MODULES)
def test_what_is_new_since_the_last_release_says_so(module: str) -> None:
    """An option of a new module, or of a new option, is as new as that."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", version_added(module))
    released = json.loads(RELEASED.read_text(encoding="utf-8")).get(module)
    options = documented_options(module)
    said = {name for name, version in options.items() if version}
    new = set(options) - set(options if released is None else released)
    parts = {name: {name.rsplit(".", depth)[0] for depth in range(name.count(".") + 1)} for name in new}
    assert sorted(name for name in new if not parts[name] & said) == [], "these need version_added"


def test_execution_environments_get_what_the_code_asks_for() -> None:
    environment = yaml.safe_load((ROOT / "meta" / "execution-environment.yml").read_text(encoding="utf-8"))
    listed = (ROOT / environment["dependencies"]["python"]).read_text(encoding="utf-8")
    packages = {re.split(r"[<>=!~ ]", line)[0] for line in listed.splitlines() if line and not line.startswith("#")}
    required = {
        library
        for path in (ROOT / "plugins").rglob("*.py")
        for library in re.findall(r'\brequire\("(\w+)"\)', path.read_text(encoding="utf-8"))
    }
    # Of the programs only uv is a package of Python.
    assert packages == required | {"uv"} and len(required) >= 4
    programs = (ROOT / environment["dependencies"]["system"]).read_text(encoding="utf-8")
    assert {"git", "openssh-client", "openssh-clients"} <= {line.split()[0] for line in programs.splitlines() if line}
