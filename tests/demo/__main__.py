# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""C(python -m demo [DIRECTORY]): play the demo. Exit status 1: something is not as it says; 2: it cannot be played."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from . import packs
from .story import MODULE, Story
from .terminal import NotAsSaid, Terminal
from .world import CHECKOUT, CannotPlay, World

HOST = "st2_conf=$ST2_CONF"
PLACES = (
    ("host/opt/stackstorm", "the host: packs, virtualenvs, configs"),
    ("host/etc/st2/st2.conf", "its settings, which the modules read"),
    ("host.st2-database.json", "what stands in for StackStorm's database"),
    ("git, index, wheels", "where its packs and Python packages come from"),
    ("packs.yml and others", "the plays"),
    ("activate, ansible.cfg", "Ansible's settings for this directory"),
)
PLAY_ON = (
    ("What is installed, and does the index have something newer?", f'{MODULE}_info -a "check_latest=true {HOST}"'),
    ("What would going back to 1.3.0 change?", f'{MODULE} -a "name=netwatch=1.3.0 {HOST}" --check --diff'),
    ("Edit a file of netwatch, then have it found and repaired.", f'{MODULE} -a "name=netwatch verify=content {HOST}"'),
    ("Refused: ticketing depends on it.", f'{MODULE} -a "name=acme_common state=absent {HOST}"'),
)


def main(arguments: t.Sequence[str]) -> int:
    """Play the demo and return the exit status."""
    parser = argparse.ArgumentParser(prog="tests/demo/run", description="Show what stackstorm.st2 does with packs.")
    parser.add_argument("directory", nargs="?", type=Path, help="where to play; made anew (default: .cache/demo)")
    directory = (parser.parse_args(arguments).directory or _default_directory()).resolve()
    terminal = Terminal(directory)
    started = time.monotonic()
    try:
        world = World(directory)
    except CannotPlay as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    world.publish(packs.netwatch("1.3.0"), packs.acme_common(), packs.chat_notify(), packs.ticketing("2.0.3"))
    _open(terminal, time.monotonic() - started)
    try:
        seconds = Story(world, terminal).play()
    except NotAsSaid as problem:
        sys.stderr.write(f"\nThe demo ends here, because this is not so: {problem} See {directory}\n")
        return 1
    finally:
        world.end()
    _close(terminal, seconds)
    return 0


def _open(terminal: Terminal, seconds: float) -> None:
    terminal.say(
        "stackstorm.st2 manages StackStorm packs. Here is a StackStorm host in miniature, with a pack index, git "
        "repositories and Python packages of its own, all in one directory, and a stand-in for StackStorm's API on "
        "loopback; nothing outside is touched and no network is used. Every command below is really run, just as it "
        "stands there, and after each the demo looks for itself whether what it says is so. To run them yourself:"
    )
    terminal.write(f"  $ cd {terminal.directory} && . ./activate\n\n(The directory was made in {seconds:.1f} s.)")


def _close(terminal: Terminal, seconds: t.Mapping[str, float]) -> None:
    terminal.heading("All of it was so")
    for title, number in seconds.items():
        terminal.write(f"  {number:5.1f} s  {title}")
    terminal.write(f"  {sum(seconds.values()):5.1f} s  together\n")
    terminal.write(f"Everything is in {terminal.directory}; remove that, and nothing is left.\n")
    for place, what in PLACES:
        terminal.write(f"  {place:<24} {what}")
    terminal.write(f"\nTo play on, in a new shell:\n\n  $ cd {terminal.directory} && . ./activate")
    for what, command in PLAY_ON:
        terminal.write(f"\n  {what}\n  $ ansible localhost -m {command}")


def _default_directory() -> Path:
    """The checkout's .cache/demo; a new temporary directory where that cannot be written or be quoted in commands."""
    place = CHECKOUT / ".cache" / "demo"
    if re.fullmatch(r"[\w./+@-]+", str(place)) and os.access(CHECKOUT, os.W_OK):
        return place
    return Path(tempfile.mkdtemp(prefix="demo-"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
