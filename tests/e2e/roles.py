# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of roles share: a host with systemd and a StackStorm, and plays that include a role."""

from __future__ import annotations

import os
import sysconfig
import typing as t
from pathlib import Path

from e2e.scene import STATE
from infrastructure.ansible_run import PlayResult, run_play
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub
from infrastructure.systemd import Systemd

# What StackStorm's own Python finds: oslo.config among it.
LIBRARIES = (sysconfig.get_paths()["purelib"],)
# As StackStorm's packages have it, less what is of no interest here.
STOCK = """\
# System-wide configuration

[api]
# Host and port to bind the API server.
host = 127.0.0.1
port = 9101

[auth]
backend_kwargs = {{"file_path": "/etc/st2/htpasswd"}}
# Base URL to the API endpoint excluding the version (e.g. http://myhost.net:9101/)
api_url =

[system]
base_path = {base_path}
{content}
[messaging]
url = amqp://guest:guest@127.0.0.1:5672/
"""


class Site:
    """A host with StackStorm's packages, on which no role has run.

    :arg content: of the section ``[content]`` of its st2.conf.
    :arg host: a host that there is already, whose st2.conf stays.
    """

    def __init__(self, root: Path, content: str = "", host: t.Optional[ScratchHost] = None) -> None:
        self.host = host or ScratchHost(root / "host", libraries=LIBRARIES)
        self.systemd = Systemd(self.host)
        self.stackstorm = StackStormStub(self.host)
        self.conf = self.host.st2_conf
        if host is None:
            # Not the directories of this machine.
            section = f"\n[content]\nsystem_packs_base_path = {self.host.packs}\n{content}"
            self.conf.write_text(STOCK.format(base_path=self.host.base_path, content=section))
        self.stock = self.conf.read_text()
        self.environment = {"PATH": os.pathsep.join([str(self.systemd.programs), os.environ["PATH"]])}
        self.variables: t.Dict[str, t.Any] = {
            "st2_conf": str(self.conf),
            "st2_content_python": str(self.host.service / "bin" / "python"),
            "st2_api": {"api_url": self.stackstorm.api_url, "api_key": self.stackstorm.api_key},
            "st2_restart_timeout": 60,
        }

    def stop(self) -> None:
        """End the servers."""
        self.stackstorm.stop()

    def play(self, role: str, check: bool = False, arguments: t.Sequence[str] = (), **variables: t.Any) -> PlayResult:
        """Run a role."""
        task = {"name": "role", "ansible.builtin.include_role": {"name": f"stackstorm.st2.{role}"}}
        return self.run([task], check, arguments, **variables)

    def run(
        self,
        tasks: t.Sequence[t.Mapping[str, t.Any]],
        check: bool = False,
        arguments: t.Sequence[str] = (),
        **variables: t.Any,
    ) -> PlayResult:
        """Run tasks, with this host's variables and those given."""
        return run_play(
            list(tasks),
            host=self.host,
            env=self.environment,
            check=check,
            diff=True,
            arguments=arguments,
            variables={**self.variables, **variables},
        )

    def apply(self, role: str, **variables: t.Any) -> PlayResult:
        """Run a role that must not fail."""
        done = self.play(role, **variables)
        assert done.rc == 0, done.stdout + done.stderr
        return done

    def converge(self, role: str, **variables: t.Any) -> PlayResult:
        """Check, run, run again: only the second run changes anything, and the check has said what.

        That check mode then has nothing to say is seen by the scenarios of Molecule, for each role.
        """
        before = self.host.snapshot(identity=True)
        predicted = self.play(role, check=True, **variables)
        assert predicted.rc == 0, predicted.stdout + predicted.stderr
        assert self.host.snapshot(identity=True) == before and self.systemd.told == []
        done = self.apply(role, **variables)
        assert changes(predicted) == changes(done) != []
        settled = self.host.snapshot(identity=True)
        self.systemd.forget()
        again = self.apply(role, **variables)
        assert changes(again) == [], again.stdout + again.stderr
        assert self.host.snapshot(identity=True) == settled and self.systemd.told == []
        return done

    def refuse(self, role: str, **variables: t.Any) -> str:
        """Run a role that must fail and change nothing; the message."""
        return self.refuse_each(role, [variables])[0]

    def refuse_each(self, role: str, cases: t.Sequence[t.Mapping[str, t.Any]]) -> t.List[str]:
        """Run a role with each of several sets of variables, in one play; each must fail and change nothing.

        Returns the messages.
        """
        include = {"ansible.builtin.include_role": {"name": f"stackstorm.st2.{role}"}}
        message = "{{ ansible_failed_result.msg }}"
        tasks = [
            {
                "name": f"case {number}",
                "block": [{"name": "role", **include, "vars": dict(case)}],
                "rescue": [{"name": f"refused {number}", "ansible.builtin.debug": {"msg": message}}],
            }
            for number, case in enumerate(cases)
        ]
        before = self.host.snapshot(exclude=[STATE])
        play = self.run(tasks)
        assert changes(play) == [], play.stdout
        assert self.host.snapshot(exclude=[STATE]) == before and self.systemd.told == []
        failed = [str(task.result.get("msg")) for task in play.tasks if task.outcome == "failed"]
        told = [str(task.result["msg"]) for task in play.tasks if task.task.startswith("refused ")]
        assert failed == told and len(told) == len(cases), play.stdout
        return told


def changes(play: PlayResult) -> t.List[str]:
    """The names of the tasks that changed something, or would, without those of their roles."""
    return [
        task.task.rpartition(" : ")[2] for task in play.tasks if task.outcome == "ok" and task.result.get("changed")
    ]


def warned(play: PlayResult) -> str:
    """All warnings of a play, on one line."""
    return " ".join((play.stdout + play.stderr).split())
