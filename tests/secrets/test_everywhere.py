# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary in every credential option: in no output, list of processes, file, log or exception."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import typing as t
from pathlib import Path
from urllib.parse import quote

import pytest
from e2e.scene import INDEX, Scene
from faults.boundaries import descendants
from faults.module_runs import Execution, Instant, ModuleRuns
from infrastructure.ansible_run import COLLECTION, MAIN, collections_path
from infrastructure.servers import Faults

CANARY = "c4n@ry/p4ss:w0rd"
ESCAPED = quote(CANARY, safe="")
FORMS = (CANARY, quote(CANARY), ESCAPED, json.dumps(CANARY)[1:-1])
USED_UP = "http://127.0.0.1:9"
# Run a program in a mount namespace whose /dev/log is FOLDER/log: sh -c SYSLOG sh FOLDER PROGRAM...
SYSLOG = """\
set -e
mkdir -p "$1/dev"
# The directory may be below /dev itself.
mount --bind "$1" /mnt
shift
mount --rbind /dev /mnt/dev
mount -t tmpfs tmpfs /dev
for path in /mnt/dev/*; do
  ln -s "$path" "/dev/${path##*/}"
done
ln -sf /mnt/log /dev/log
exec "$@"
"""


def secret(url: str, user: str = "somebody:") -> str:
    return url.replace("://", f"://{user}{ESCAPED}@")


OPTIONS: t.Mapping[str, t.Dict[str, t.Any]] = {
    "username": {"username": CANARY},
    "password": {"username": "somebody", "password": CANARY},
    "token": {"token": CANARY},
    "http_proxy": {"http_proxy": secret(USED_UP), "no_proxy": "127.0.0.1"},
    "https_proxy": {"https_proxy": secret(USED_UP, ""), "no_proxy": "127.0.0.1"},
    "index_url": {"index_url": [secret("https://INDEX")]},
    "index_url-token": {"index_url": [secret("https://INDEX", "")]},
    "index_url-query": {"index_url": [f"https://INDEX?token={ESCAPED}"]},
    "pip_index_url": {"pip_index_url": secret(USED_UP)},
    "name": {"name": [secret("https://GIT/org/stackstorm-demo")]},
    "name-version": {"name": [f"{secret('https://GIT/org/stackstorm-demo')}=1.0.0"]},
    "source": {"name": None, "packs": [{"name": "demo", "source": secret("https://GIT/org/stackstorm-demo")}]},
    "source-query": {"name": [f"https://GIT/org/stackstorm-demo?private_token={ESCAPED}"]},
    "ssh_key_file": {"ssh_key_file": "KEY", "name": ["ssh://git@127.0.0.1:9/org/stackstorm-demo"]},
}


class Runs:
    """Runs on the host of a scene; ``texts`` is all that came out of them."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.runs = ModuleRuns(scene.host, scene.root / "runs", scene.environment)
        self.texts: t.List[str] = []

    def arguments(self, option: str) -> t.Dict[str, t.Any]:
        scene = self.scene
        key = scene.root / "key"
        key.write_text(f"{CANARY}\n")
        key.chmod(0o600)
        text = json.dumps(
            {"name": ["demo"], "ca_bundle": str(scene.ca.ca_file), "virtualenv": "never", **OPTIONS[option]}
        )
        places = {
            "INDEX": f"127.0.0.1:{scene.index.port}{INDEX}",
            "GIT": f"127.0.0.1:{scene.git.port}",
            "KEY": str(key),
        }
        for word, place in places.items():
            text = text.replace(word, place)
        return {name: value for name, value in json.loads(text).items() if value is not None}

    def run(self, arguments: t.Mapping[str, t.Any], **how: t.Any) -> Execution:
        execution = self.runs.run(arguments, **how)
        self.texts.append(execution.everything)
        return execution

    def leaks(self) -> t.List[str]:
        """Return where a form of the canary is: in what came out, in command lines, and in all files of the host."""
        texts = [*self.texts, *self.scene.programs]
        found = [text[:300] for text in texts if any(form in text for form in FORMS)]
        for place in (self.scene.host.root, self.scene.root / "runs"):
            for path in place.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    content = path.read_bytes()
                    found += [f"{path}" for form in FORMS if form.encode() in content]
        return found


@pytest.fixture
def runs(scene: Scene) -> t.Iterator[Runs]:
    scene.release("demo", "1.0.0")
    runs = Runs(scene)
    yield runs
    runs.runs.stop()


@pytest.mark.parametrize("options", [list(OPTIONS)[::2], list(OPTIONS)[1::2]], ids=["some", "others"])
def test_a_canary_in_every_option(runs: Runs, options: t.List[str]) -> None:
    """In check mode, a real run, one that fails unexpectedly, one that fails in order, and a removal."""
    outcomes = set()
    for option in options:
        arguments = runs.arguments(option)
        for how in ({"check": True}, {}, {"broken": "_tasks.pack.converge_packs"}):
            execution = runs.run(arguments, **how)
            outcomes.add((bool(how), execution.failed))
            if how.get("broken"):
                assert execution["step"] == "unexpected" and "converge_packs was called with" in execution["msg"]
        failing = {
            **arguments,
            "packs": [{"source": f"https://127.0.0.1:{runs.scene.git.port}/org/none", "version": "9"}],
        }
        assert runs.run(failing).failed
        runs.run({**arguments, "name": ["demo"], "packs": None, "state": "absent"})
        assert runs.leaks() == [], option
    assert (False, False) in outcomes and (True, True) in outcomes


@pytest.mark.parametrize("option", ["token", "name", "index_url"])
def test_nothing_in_the_list_of_processes(runs: Runs, option: str) -> None:
    """The server holds every program up, long enough for all of them to be seen, those that git starts too."""
    server = runs.scene.index if option == "index_url" else runs.scene.git
    if option == "index_url":
        runs.scene.index.documents[INDEX] = lambda _request: runs.scene.git.stopping.wait(1) and None
    else:
        runs.scene.git.faults = Faults(hang=True)
    seen: t.Dict[str, str] = {}
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for pid in descendants(runs.runs._server.pid):
                try:
                    line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                except OSError:
                    continue
                seen.setdefault(line, "")
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    execution = runs.run({**runs.arguments(option), "timeout": 4})
    ended.set()
    watcher.join()
    assert execution.failed and server.requests is not None
    if option != "index_url":
        assert any("git-remote-http" in line or "remote-https" in line for line in seen), sorted(seen)
    assert [line for line in seen if any(form in line for form in FORMS)] == []
    assert runs.leaks() == []


def test_nothing_in_what_a_killed_run_leaves(runs: Runs) -> None:
    """The journal and all that is staged, at instants from the first clone to the last rename."""
    arguments = runs.arguments("name")
    record = runs.scene.root / "record"
    gone = {"name": ["demo"], "virtualenv": "never", "state": "absent"}
    for request in (arguments, gone):  # The first run also makes the collection's own places.
        assert not runs.run(request).failed
    assert not runs.run(arguments, record=record).failed
    steps = [line for line in record.read_text().splitlines() if line.startswith("step ")]
    journal = next(number for number, line in enumerate(steps) if line.endswith("journal.json"))
    kinds = set()
    for number in (1, journal // 2, journal - 1, journal + 1, journal + 3, len(steps) - 2):
        runs.run(gone)
        assert runs.run(arguments, at=Instant("step", number)).killed
        kinds.add((runs.scene.host.packs / ".stackstorm.st2" / "journal.json").exists())
        assert runs.leaks() == [], steps[number]
    assert kinds == {True, False}, "with a journal and without one"


def test_nothing_in_the_log_of_the_system(runs: Runs, tmp_path: Path) -> None:
    command = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    command += ["sh", "-c", SYSLOG, "sh", str(tmp_path)]
    probe = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"a mount namespace is not allowed here: {probe.stderr.strip()}")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(str(tmp_path / "log"))
    listener.settimeout(120)
    messages = []
    together: t.Dict[str, t.Any] = {}
    for option in OPTIONS:
        if option not in ("username", "token"):
            together.update(runs.arguments(option))
    tasks = [
        ("st2_pack", {**options, "timeout": 1})
        for options in (runs.arguments("username"), runs.arguments("token"), together, runs.arguments("source-query"))
    ]
    tasks += [
        ("st2_conf", {"section": "messaging", "option": "url", "value": secret(USED_UP)}),
        ("st2_conf", {"options": [{"section": "a", "option": "b", "values": [CANARY], "separator": ";"}]}),
        ("st2_environment", {"name": ["st2actionrunner"], "variables": {"A": CANARY, "https_proxy": secret(USED_UP)}}),
    ]
    for module, options in tasks:
        arguments = {**options, "st2_conf": str(runs.scene.host.st2_conf)}
        document = json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": True}}).encode()
        environment = {**runs.scene.host.environment(), **runs.scene.environment, "PYTHONPATH": str(collections_path())}
        program = [sys.executable, "-c", MAIN, f"ansible_collections.{COLLECTION}.plugins.modules.{module}"]
        process = subprocess.Popen(
            [*command, *program],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert process.stdin
        process.stdin.write(document)
        process.stdin.close()
        messages.append(listener.recv(1 << 20).decode(errors="replace"))
        process.kill()
        process.wait()
        process.stderr and process.stderr.close()
        assert "Invoked with" in messages[-1], messages[-1]
    listener.close()
    assert [text for text in messages if any(form in text for form in FORMS)] == []
