# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a command on this machine as if it had a StackStorm, a uv, and settings of somebody for git, pip, uv and st2.

C(pretended_machine.py make e2e) shows that a stage needs nothing of them: its exit status is that of the command, or 1
when any of the programs was started, each time with a line that says by whom. They are there for the command alone, in
a mount namespace; nothing of this machine changes. Without the right to make one, the exit status is 77.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

import check_environment
from check_environment import Tripwires, write_program

CANNOT = 77
INSIDE = "PRETENDED_MACHINE"

STACKSTORM = Path("/opt/stackstorm")
PROGRAMS = ("st2", "st2ctl", "st2-register-content", "uv", "uvx", "virtualenv", "pip", "pip3", "python")
# Where they are, beside a directory that is the first on PATH.
PLACES = (STACKSTORM / "st2" / "bin", Path("/usr/local/bin"))
LAYERS = ("/opt", "/etc", "/usr/local/bin")
# Below /etc; with those of the account, all places where one looks for settings.
SETTINGS = {
    "st2/st2.conf": "[system]\nbase_path = /opt/stackstorm\n[content]\nindex_url = http://127.0.0.1:9/somebodys\n",
    "default/st2actionrunner": "http_proxy=http://127.0.0.1:9\nST2_CONTENT__PACK_GROUP=somebodys\n",
    "gitconfig": check_environment.SOMEBODYS[".gitconfig"],
    "pip.conf": check_environment.SOMEBODYS[".config/pip/pip.conf"],
    "xdg/pip/pip.conf": check_environment.SOMEBODYS[".config/pip/pip.conf"],
    "uv/uv.toml": check_environment.SOMEBODYS[".config/uv/uv.toml"],
    "ssh/ssh_config": "Host *\n  ProxyCommand {wire}\n",
}
VARIABLES = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
    **dict.fromkeys(("UV_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX"), "http://127.0.0.1:9/somebodys"),
    **{"UV_OFFLINE": "1", "UV_PYTHON": "3.99", "VIRTUALENV_PYTHON": "3.99", "VIRTUALENV_DOWNLOAD": "1"},
    **{"ST2_API_URL": "http://127.0.0.1:9/api", "ST2_API_KEY": "somebodys", "ST2_AUTH_TOKEN": "somebodys"},
    **{"ST2_CONTENT__PACK_GROUP": "somebodys", "ST2_SYSTEM__BASE_PATH": "/opt/stackstorm"},
    **{"GIT_AUTHOR_NAME": "", "GIT_TEMPLATE_DIR": "/nowhere", "GIT_CONFIG_COUNT": "1"},
    **{"GIT_CONFIG_KEY_0": "init.defaultBranch", "GIT_CONFIG_VALUE_0": "somebodys"},
    **{"ANSIBLE_STRATEGY": "somebodys", "XDG_CONFIG_DIRS": "/nowhere"},
}


def main(command: t.Sequence[str]) -> int:
    """Run the command. Returns the exit status."""
    if os.environ.get(INSIDE):
        return _inside(Path(os.environ.pop(INSIDE)), command)
    with tempfile.TemporaryDirectory(prefix="pretended-") as place:
        unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        done = subprocess.run(
            [*unshare, sys.executable, __file__, *command], env={**os.environ, INSIDE: place}, check=False
        )
        log = Tripwires(Path(place)).log
        if done.returncode == CANNOT or not log.exists():
            return done.returncode
        sys.stdout.write(f"Started, and must not be:\n{log.read_text(encoding='utf-8', errors='replace')}")
        return 1


def _inside(place: Path, command: t.Sequence[str]) -> int:
    """Lay everything, then run the command; in a mount namespace of its own."""
    wires = Tripwires(place)
    try:
        # What lasts (the log) is below the place itself, what does not in memory.
        _mount("tmpfs", place / "layers", "tmpfs")
        for layer in LAYERS:
            work = place / "layers" / layer.replace("/", "-")
            options = [f"lowerdir={layer}", f"upperdir={work / 'upper'}", f"workdir={work / 'work'}"]
            for name in ("upper", "work"):
                (work / name).mkdir(parents=True)
            _mount("overlay", Path(layer), "overlay", "-o", ",".join(options))
    except (OSError, subprocess.CalledProcessError) as problem:
        sys.stdout.write(f"no machine can be pretended here: {problem}\n")
        return CANNOT
    home = _home(place / "home")
    wires.lay(home)
    wire = wires.programs / "st2"
    for folder in (*PLACES, wires.programs):
        folder.mkdir(parents=True, exist_ok=True)
        for name in PROGRAMS:
            write_program(folder / name, wire.read_text(encoding="utf-8"))
    for name, text in SETTINGS.items():
        path = Path("/etc", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text.format(programs=wires.programs, wire=wire), encoding="utf-8")
    path = os.pathsep.join([str(wires.programs), os.environ["PATH"]])
    surroundings = {**os.environ, **VARIABLES, "HOME": str(home), "PATH": path}
    return subprocess.run(list(command), env=surroundings, check=False).returncode


def _home(home: Path) -> Path:
    """A home that has what the true one has, caches and interpreters above all, but no settings."""
    home.mkdir()
    ours = {name.split("/")[0] for name in check_environment.SOMEBODYS} | {".pip"}
    for path in Path("~").expanduser().iterdir():
        if path.name not in ours:
            (home / path.name).symlink_to(path)
    return home


def _mount(what: str, path: Path, kind: str, *options: str) -> None:
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", kind, *options, what, str(path)], check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
