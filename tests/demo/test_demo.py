# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo, played as C(make demo) plays it, in a directory of its own."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
FALSE_WORLD = """
import sys
from demo import __main__, world
world.World.commit = lambda self, ref, version: "0" * 40
sys.exit(__main__.main(sys.argv[1:]))
"""


@dataclasses.dataclass(frozen=True)
class Played:
    """A demo that was played: its directory, what it wrote, and the environment that it had."""

    directory: Path
    output: str
    environment: t.Dict[str, str]

    def shell(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a person does who follows what the demo says about playing on."""
        return _run(["/bin/sh", "-c", f"cd {self.directory} && . ./activate && {command}"], self.environment)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    root = tmp_path_factory.mktemp("demo")
    # Settings of a person that would be in the way.
    environment = _environment(root, ANSIBLE_STDOUT_CALLBACK="oneline", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    done = _run([str(HERE / "run"), str(root / "stage")], environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return Played(root / "stage", done.stdout + done.stderr, environment)


def test_all_steps_are_played(played: Played) -> None:
    assert re.findall(r"^== (\d)\.", played.output, re.MULTILINE) == list("12345678")
    assert "== All of it was so" in played.output
    assert not re.search("NOT SO|WARNING|DEPRECAT|Traceback", played.output)


def test_the_host_is_as_the_last_step_left_it(played: Played) -> None:
    packs = played.directory / "host" / "opt" / "stackstorm" / "packs"
    versions = {path.parent.name: path.read_text() for path in packs.glob("*/pack.yaml")}
    assert sorted(versions) == ["acme_common", "chatops", "core", "linux", "netwatch", "packs", "ticketing"]
    assert "version: 1.4.0\n" in versions["netwatch"]
    virtualenvs = played.directory / "host" / "opt" / "stackstorm" / "virtualenvs"
    found = list(virtualenvs.glob("*/lib/python*/site-packages/netprobe-*.dist-info"))
    assert [path.name for path in found] == ["netprobe-0.5.0.dist-info"]


def test_nothing_is_left_outside_of_the_directory(played: Played) -> None:
    outside = [Path(played.environment[name]) for name in ("HOME", "TMPDIR")]
    assert [path for place in outside for path in place.rglob("*")] == []
    assert sorted(path.name for path in played.directory.parent.iterdir()) == ["home", "stage", "tmp"]


def test_what_it_suggests_for_playing_on_works(played: Played) -> None:
    closing = played.output.split("== All of it was so")[1]
    activate, *commands = re.findall(r"^  \$ (.*)$", closing, re.MULTILINE)
    assert activate == f"cd {played.directory} && . ./activate"
    info, back, repair, remove = [played.shell(command) for command in commands]
    assert (info.returncode, back.returncode, repair.returncode, remove.returncode) == (0, 0, 0, 2)
    assert "latest_version: 1.5.1" in info.stdout
    assert "+version: 1.3.0" in back.stdout
    assert "netwatch 1.4.0" in repair.stdout
    assert "ticketing" in remove.stdout


def test_a_finished_demo_is_replaced(tmp_path: Path) -> None:
    made = _python("import sys, demo.world as w; w.World(w.Path(sys.argv[1]))", tmp_path / "stage", tmp_path)
    assert made.returncode == 0, made.stderr
    (tmp_path / "stage" / "host" / "left").touch()
    again = _python("import sys, demo.world as w; w.World(w.Path(sys.argv[1]))", tmp_path / "stage", tmp_path)
    assert again.returncode == 0, again.stderr
    assert not (tmp_path / "stage" / "host" / "left").exists()
    assert (tmp_path / "stage" / "activate").is_file()


def test_a_directory_with_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("Dear")
    done = _run([str(HERE / "run"), str(tmp_path / "mine")], _environment(tmp_path))
    assert done.returncode == 2
    assert "not the demo's" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter"]


def test_it_fails_when_something_is_not_so(tmp_path: Path) -> None:
    done = _python(FALSE_WORLD, tmp_path / "stage", tmp_path)
    assert done.returncode == 1
    assert "NOT SO  netwatch is release 1.3.0" in done.stdout
    assert "The demo ends here" in done.stderr
    assert "== 2." not in done.stdout


def _python(code: str, directory: Path, root: Path) -> subprocess.CompletedProcess[str]:
    environment = {**_environment(root), "PYTHONPATH": str(HERE.parent)}
    return _run([sys.executable, "-B", "-c", code, str(directory)], environment)


def _environment(root: Path, **extra: str) -> t.Dict[str, str]:
    """What the demo gets: a home and a temporary directory in which nothing is, and this interpreter."""
    places = {"HOME": root / "home", "TMPDIR": root / "tmp"}
    for place in places.values():
        place.mkdir(exist_ok=True)
    paths = {name: str(place) for name, place in places.items()}
    return {"PATH": os.environ["PATH"], **paths, "DEMO_PYTHON": sys.executable, **extra}


def _run(command: t.Sequence[str], environment: t.Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False
    )
