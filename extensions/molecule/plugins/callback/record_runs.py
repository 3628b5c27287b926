# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes down what each run of a playbook changed, for verify.yml to compare: see tasks/compare_runs.yml.

A line of JSON a run in C(runs.jsonl) of Molecule's directory: scenario, stage, playbook, whether it was a check, and
the tasks that said C(changed), each with its host.
"""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

from ansible import context
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: record_runs
type: aggregate
short_description: Writes down what each run changed
description:
  - For the scenarios of this collection.
"""


class CallbackModule(CallbackBase):
    """Counts what changed, and writes it down in the end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record_runs"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._playbook = ""
        self._changed: list[str] = []

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        """Remember which playbook it is."""
        self._playbook = os.path.basename(playbook._file_name)

    def v2_runner_on_ok(self, result: t.Any) -> None:
        """Remember what changed."""
        if result._result.get("changed"):
            self._changed.append(f"{result._host.get_name()}: {result._task.get_name()}")

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """Write the line."""
        place = os.environ.get("MOLECULE_EPHEMERAL_DIRECTORY")
        if not place:
            return
        stage = Path(place) / "stage"
        run = {
            "scenario": os.environ.get("MOLECULE_SCENARIO_NAME"),
            "stage": stage.read_text(encoding="utf-8") if stage.exists() else "",
            "playbook": self._playbook,
            "check": bool(context.CLIARGS.get("check")),
            "changed": sorted(self._changed),
        }
        with (Path(place) / "runs.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(run) + "\n")
