# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions of packs in the stand-in StackStorm."""

from __future__ import annotations

from pathlib import Path

from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub
from infrastructure.test_st2_stub import Client


def test_an_action_of_a_pack_succeeds_with_what_it_was_given(tmp_path: Path) -> None:
    host = ScratchHost(tmp_path)
    tree = PackTree("demo", minimal=True)
    parameters = {"name": {"type": "string", "required": True}}
    about = {"runner_type": "python-script", "entry_point": "a.py", "parameters": parameters}
    tree.add_yaml("actions/look.yaml", {"name": "look", **about})
    tree.add_yaml("actions/off.yaml", {"name": "off", "enabled": False, **about})
    tree.write(host.packs / "demo")
    with StackStormStub(host) as stub:
        stub.register("demo")
        ask = Client(stub)
        done = ask.wait("/executions", {"action": "demo.look", "parameters": {"name": "x"}})
        assert (done["status"], done["result"]["result"]) == ("succeeded", {"name": "x"})
        assert done["action"]["ref"] == "demo.look" and done["runner"]["name"] == "python-script"
        assert ask.fault("POST", "/executions", {"action": "demo.look"})[0] == 400
        status, words = ask.fault("POST", "/executions", {"action": "demo.off", "parameters": {"name": "x"}})
        assert (status, words) == (400, 'Unable to execute. Action "demo.off" is disabled.')
