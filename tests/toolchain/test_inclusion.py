# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a collection needs to be taken into Ansible's package, and what people look for in one."""

from __future__ import annotations

import re

import pytest
import yaml
from environments import ROOT
from stages import STAGES

MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
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
    assert aliases == (["hidden"] if target.startswith("setup_") else ["posix/ci"])
    if not target.startswith("setup_"):
        (play,) = yaml.safe_load((place / "tasks" / "main.yml").read_text(encoding="utf-8"))
        assert play["always"][0]["ansible.builtin.file"]["state"] == "absent"


def test_the_workflow_runs_every_stage_with_nobodys_rights() -> None:
    # YAML reads "on" as true.
    workflow = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8").replace("\non:\n", '\n"on":\n'))
    (job,) = workflow["jobs"].values()
    assert job["strategy"]["matrix"]["stage"] == [stage.name for stage in STAGES]
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
