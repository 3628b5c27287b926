# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(b), (c) Fresh packs, against StackStorm's way: git clone, virtualenv, pip install. (d) One large pack."""

from __future__ import annotations

import shutil
import sys
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .probe import probe
from .world import Table, World, timed, world

REQUIREMENT = "tinydep==1.0.0"


def one_after_another(measured: World, target: Path) -> float:
    """What StackStorm does: for each pack git clone, virtualenv, six, requirements (st2common/util/virtualenvs.py)."""
    environment, python = measured.environment(), sys.executable
    seconds = 0.0
    for pack in measured.packs:
        tree, virtualenv = target / "packs" / pack, target / "virtualenvs" / pack
        pip = [virtualenv / "bin" / "pip", "install", "--quiet"]
        commands: t.List[t.List[t.Any]] = [["git", "clone", "--quiet", measured.url(pack), tree]]
        commands.append([python, "-m", "virtualenv", "-p", python, "--always-copy", "--no-download", virtualenv])
        commands.append([*pip, "six>=1.9.0,<2.0"])
        seconds += sum(timed(command, environment) for command in commands)
        if (tree / "requirements.txt").exists():
            seconds += timed([*pip, "-U", "-r", tree / "requirements.txt"], environment)
    return seconds


def clones_at_once(measured: World, target: Path) -> float:
    """The floor: nothing but the clones, all at the same time."""
    environment = measured.environment()
    started = time.monotonic()
    with ThreadPoolExecutor(max_workers=6) as pool:
        commands = [["git", "clone", "--quiet", measured.url(pack), target / pack] for pack in measured.packs]
        list(pool.map(lambda command: timed(command, environment), commands))
    return time.monotonic() - started


def measure_fresh(root: Path, count: int = 20, *, requirement: bool = False) -> Table:
    """The tables of the questions (b) and (c)."""
    requirements = (REQUIREMENT,) if requirement else ()
    letter, title = ("c", "with one requirement each") if requirement else ("b", "without requirements")
    table = Table(f"({letter}) {count} fresh packs {title}")
    with world(root, count, requirements=requirements) as measured:
        peer = table.add("git clone + virtualenv + pip, in turn", one_after_another(measured, root / "peer"))
        table.add("floor: the clones alone, at once", clones_at_once(measured, root / "floor"), peer)
        table.add("st2_pack, nothing there before", probe(measured).seconds, peer)
        remove(measured)
        table.add("st2_pack, the base of virtualenvs there", probe(measured).seconds, peer)
        if requirement:
            remove(measured)
            shutil.rmtree(measured.host.virtualenvs / ".stackstorm.st2")
            slow = probe(measured, virtualenv_backend="virtualenv")
            table.add("st2_pack with virtualenv and pip for want of uv", slow.seconds, peer)
    table.notes.append("Wanted: at most 0.10 of the first line.")
    return table


def remove(measured: World) -> None:
    """Take all packs away, and what is remembered of them; the base of virtualenvs stays."""
    shutil.rmtree(measured.host.packs / ".stackstorm.st2")
    for pack in measured.packs:
        shutil.rmtree(measured.host.packs / pack)
        shutil.rmtree(measured.host.virtualenvs / pack)


def measure_large(root: Path, actions: int = 3500) -> Table:
    """The table of question (d)."""
    table = Table(f"(d) One pack of {actions} actions")
    with world(root, 1, actions=actions) as measured:
        clone = table.add("floor: git clone", clones_at_once(measured, root / "floor"))
        files = sum(1 for path in (root / "floor").rglob("*") if path.is_file() and ".git" not in path.parts)
        peaks = []
        for what, options in (
            ("install", {}),
            ("satisfied", {}),
            ("verify: content", {"verify": "content"}),
        ):
            found = probe(measured, virtualenv="never", **options)
            table.add(what, found.seconds, clone)
            peaks.append(f"{what} {found.peak_mebibytes:.0f} MiB")
        table.notes.append(f"{files} files. Peak memory: {', '.join(peaks)}.")
    return table
