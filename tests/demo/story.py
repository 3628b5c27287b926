# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of the demo. What each says is read back from files and by git, never taken from the modules' words."""

from __future__ import annotations

import json
import re
import time
import typing as t

import yaml
from infrastructure.snapshot import Snapshot, compare, take_snapshot

from . import packs
from .terminal import NotAsSaid, Output, Terminal
from .world import World

MODULE = "stackstorm.st2.st2_pack"


class Story:
    """The demo on a fresh world."""

    def __init__(self, world: World, terminal: Terminal) -> None:
        self.world = world
        self.host = world.host
        self.terminal = terminal
        self.found = terminal.found

    def play(self) -> t.Dict[str, float]:
        """Play all steps. Returns the seconds of each, by its title; raises NotAsSaid where something is wrong."""
        seconds = {}
        steps: t.Sequence[t.Tuple[str, t.Callable[[], None]]] = (
            ("Install a pack, ad hoc", self.install),
            ("A play: several packs, and one that they depend on", self.several),
            ("The same play again: nothing to do", self.again),
            ("A config with a secret, and a sensor switched off", self.configure),
            ("What would an upgrade change?", self.preview),
            ("The upgrade", self.upgrade),
            ("Broken releases are refused, the old one stays", self.refusals),
            ("Remove a pack", self.removal),
        )
        for number, (title, step) in enumerate(steps, 1):
            self.terminal.heading(f"{number}. {title}")
            started = time.monotonic()
            step()
            seconds[title] = time.monotonic() - started
        return seconds

    def install(self) -> None:
        """One pack, by its name alone."""
        self.terminal.say(
            "One pack by its name. The index says where it comes from; its virtualenv gets the Python packages it "
            "requires. Only because this is not the real /etc/st2/st2.conf, the command says which one to read."
        )
        output = self.run(f'ansible localhost -m {MODULE} -a "name=netwatch st2_conf=$ST2_CONF"')
        self.found("The command succeeded.", output.status, 0)
        self.found("netwatch is the only pack beside StackStorm's own.", self.host.installed(), ["netwatch"])
        self.release_is("netwatch", "1.3.0")
        self.registered("netwatch", "1.3.0", ["check_host", "list_neighbours"])
        self.action_runs("1.3.0", "0.4.0")

    def several(self) -> None:
        """A play with three packs; a fourth comes along."""
        self.terminal.say(
            "Three packs, one of them at a release of its own choice. netwatch is there already. The other two depend "
            "on acme_common, which nobody has to name."
        )
        self.terminal.show_file(self.world.directory / "packs.yml")
        before = self.snapshot("netwatch")
        output = self.run("ansible-playbook packs.yml")
        self.found("The play succeeded.", output.status, 0)
        wanted = ["acme_common", "chat_notify", "netwatch", "ticketing"]
        self.found("The four packs are there.", self.host.installed(), wanted)
        for ref, version in (("acme_common", "2.4.0"), ("chat_notify", "0.9.2"), ("ticketing", "2.0.3")):
            self.release_is(ref, version)
        self.unchanged("netwatch was not touched.", before, self.snapshot("netwatch"))
        answer = self.host.run_action("ticketing", "create_ticket", title="core-sw-1 is down")
        self.found("ticketing.create_ticket runs in its virtualenv.", answer["by"], "ticketing 2.0.3")

    def again(self) -> None:
        """The same play once more, with nothing to take packs from."""
        self.terminal.say(
            "A host that is right needs nobody. To show it, the index, the git repositories and the Python packages "
            "are out of the way while this runs."
        )
        before = self.host.snapshot(identity=True)
        with self.world.sources_away():
            output = self.run("ansible-playbook packs.yml")
        self.found("The play succeeded.", output.status, 0)
        self.found("Ansible counts no change.", recap(output)["changed"], 0)
        after = self.host.snapshot(identity=True)
        self.unchanged("No file of the host was written, not even with the same content.", before, after)

    def configure(self) -> None:
        """A config and an override, in files and in the database."""
        self.terminal.say(
            "A config is checked against the pack's schema, and an override against what the pack has. Both do nothing "
            "in StackStorm until its database has them, so both are registered and read back."
        )
        self.terminal.show_file(self.world.directory / "configure.yml")
        output = self.run("ansible-playbook configure.yml --diff")
        self.found("The play succeeded.", output.status, 0)
        self.found("Ansible counts two changes.", recap(output)["changed"], 2)
        self.found("The token is nowhere in the output.", packs.CHAT_TOKEN in output.text, False)
        values = {"channel": "#noc", "token": packs.CHAT_TOKEN}
        path = self.host.configs / "chat_notify.yaml"
        self.found("The file has the config.", yaml.safe_load(path.read_text()), values)
        self.found("Only its owner and group may read it.", oct(path.stat().st_mode & 0o777), "0o640")
        stackstorm = self.world.stackstorm
        self.found("StackStorm's database has it too.", stackstorm.config("chat_notify"), values)
        sensors = stackstorm.resources("netwatch")["sensors"]
        self.found("In the database the sensor is off.", sensors["LinkSensor"]["enabled"], False)
        output = self.run("ansible-playbook configure.yml")
        self.found("The same again changes nothing.", recap(output)["changed"], 0)

    def preview(self) -> None:
        """Check mode with a diff."""
        self.world.publish(packs.netwatch("1.4.0"))
        self.terminal.say("Meanwhile the netwatch team has published 1.4.0. This play follows the index:")
        self.terminal.show_file(self.world.directory / "upgrade.yml")
        before = self.host.snapshot(identity=True)
        output = self.run("ansible-playbook upgrade.yml --check --diff")
        self.found("The play succeeded.", output.status, 0)
        self.unchanged("Check mode wrote nothing on the host.", before, self.host.snapshot(identity=True))
        commits = re.findall(r"^ *\+commit: (\w+)", output.text, re.MULTILINE)
        self.found("The commit it names is that of the tag v1.4.0.", commits, [self.world.commit("netwatch", "1.4.0")])
        changes = sorted(re.findall(r"^ *([+-] *- \w.*)$", output.text, re.MULTILINE))
        expected = [
            "+  - LatencySensor", "+  - netprobe==0.5.0", "+  - on_latency_high", "+  - trace_route",
            "-  - actions list_neighbours", "-  - list_neighbours", "-  - netprobe==0.4.0",
        ]  # fmt: skip
        self.found("The diff names what comes and what goes, and nothing else.", changes, expected)

    def upgrade(self) -> None:
        """What was predicted, done."""
        others = self.snapshot("acme_common", "chat_notify", "ticketing")
        self.terminal.say("The same command without --check.")
        output = self.run("ansible-playbook upgrade.yml")
        self.found("The play succeeded.", output.status, 0)
        self.found("Ansible counts one change.", recap(output)["changed"], 1)
        self.release_is("netwatch", "1.4.0")
        self.action_runs("1.4.0", "0.5.0")
        self.registered("netwatch", "1.4.0", ["check_host", "trace_route"])
        actions = sorted(path.stem for path in (self.host.pack_path("netwatch") / "actions").glob("*.yaml"))
        self.found("Its actions are those that the diff said.", actions, ["check_host", "trace_route"])
        after = self.snapshot("acme_common", "chat_notify", "ticketing")
        self.unchanged("The other packs were not touched.", others, after)

    def refusals(self) -> None:
        """Two releases that must not get in."""
        before = self.snapshot("netwatch")
        self.world.publish(packs.netwatch("1.5.0"))
        self.terminal.say("1.5.0 brings a config schema that is no YAML. That is seen before anything is touched.")
        self.refused("1.5.0", "validate", "config.schema.yaml")
        self.world.publish(packs.netwatch("1.5.1"))
        self.terminal.write("")
        self.terminal.say("1.5.1 mends that, but requires a Python package that cannot be had.")
        self.refused("1.5.1", "virtualenv", "netprobe")
        self.unchanged("Pack and virtualenv are what they were, file by file.", before, self.snapshot("netwatch"))
        self.release_is("netwatch", "1.4.0")
        self.action_runs("1.4.0", "0.5.0")

    def refused(self, version: str, step: str, reason: str) -> None:
        """Run the upgrade and see that it fails at C(step), naming C(reason)."""
        output = self.run("ansible-playbook upgrade.yml")
        self.found(f"The play failed because of {version}.", (output.status, recap(output)["failed"]), (2, 1))
        named = f"step: {step}" in output.text and reason in output.text
        self.found(f"It names the step, {step}, and the culprit, {reason}.", named, True)

    def removal(self) -> None:
        """One pack, with all that belongs to it."""
        self.terminal.say("purge also takes the virtualenv, the config and the overrides of the pack.")
        others = self.snapshot("acme_common", "netwatch", "ticketing")
        output = self.run(
            f'ansible localhost -m {MODULE} -a "name=chat_notify state=absent purge=true st2_conf=$ST2_CONF"'
        )
        self.found("The command succeeded.", output.status, 0)
        self.found("chat_notify is gone.", self.host.installed(), ["acme_common", "netwatch", "ticketing"])
        self.found("So is its virtualenv.", (self.host.virtualenvs / "chat_notify").exists(), False)
        self.found("StackStorm's database has nothing of it.", self.world.stackstorm.pack("chat_notify"), None)
        after = self.snapshot("acme_common", "netwatch", "ticketing")
        self.unchanged("The other packs were not touched.", others, after)

    def run(self, command: str) -> Output:
        """Run a command and see that Ansible had nothing to warn about."""
        output = self.terminal.run(command)
        noise = re.findall(r"^.*(?:WARNING|DEPRECATION).*$", output.text, re.MULTILINE)
        if noise:
            self.found("Ansible had nothing to warn about.", noise, [])
        return output

    def release_is(self, ref: str, version: str) -> None:
        """See that a release of a pack is installed, whole and unedited."""
        commit = self.world.commit(ref, version)
        actual = (self.host.pack_version(ref), self.host.head(ref), self.host.edited(ref))
        self.found(f"{ref} is release {version}, commit {commit[:7]}, unedited.", actual, (version, commit, []))

    def registered(self, ref: str, version: str, actions: t.Sequence[str]) -> None:
        """See that StackStorm's database has a release of a pack and its actions, and no others."""
        pack = self.world.stackstorm.pack(ref)
        found = (pack and pack["version"], sorted(self.world.stackstorm.resources(ref)["actions"]))
        self.found(f"StackStorm's database has {ref} {version} and its actions.", found, (version, list(actions)))

    def action_runs(self, version: str, library: str) -> None:
        """Really run an action of netwatch, in its virtualenv as StackStorm would."""
        answer = self.host.run_action("netwatch", "check_host", address="10.20.0.1")
        expected = {
            "by": f"netwatch {version}",
            "python": str(self.host.interpreter("netwatch")),
            "address": "10.20.0.1",
            "network": "private",
            "netprobe": library,
        }
        self.found(
            f"netwatch.check_host of {version} runs in its virtualenv, with netprobe {library}.", answer, expected
        )
        self.terminal.write(f"      {json.dumps(answer)}")

    def snapshot(self, *refs: str) -> Snapshot:
        """Return every path of some packs and their virtualenvs."""
        found = {}
        for kind in (self.host.packs, self.host.virtualenvs):
            for ref in refs:
                entries = take_snapshot(kind / ref)
                found.update({f"{kind.name}/{ref}/{path}": entry for path, entry in entries.items()})
        return found

    def unchanged(self, sentence: str, before: Snapshot, after: Snapshot) -> None:
        """See that two snapshots are the same."""
        changes = compare(before, after)
        self.found(sentence, [f"{path} ({what})" for what, paths in changes._asdict().items() for path in paths], [])


def recap(output: Output) -> t.Dict[str, int]:
    """Return the counts of Ansible's play recap; raises NotAsSaid where it wrote none."""
    last = re.search(r"^localhost +: (.*)$", output.text, re.MULTILINE)
    if not last:
        raise NotAsSaid("Ansible wrote no play recap.")
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", last.group(1))}
