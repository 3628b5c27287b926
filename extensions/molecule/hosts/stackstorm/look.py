# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print as JSON what a StackStorm host holds, by means that owe nothing to the collection.

From the files and git: C(packs), C(virtualenvs), C(configs), and C(files) (mode, owner, group and digest of what is
configuration). From StackStorm's API: C(registered), with what it has of each pack. From the stand-ins: C(services),
what each has read, once it is the process that systemd says it is.
"""

from __future__ import annotations

import grp
import hashlib
import json
import pwd
import subprocess
import sys
import time
import typing as t
from pathlib import Path
from urllib.request import Request, urlopen

import yaml

BASE = Path("/opt/stackstorm")
SAID = Path("/run/st2-stand-in")
SYSTEM_PACKS = ("chatops", "core", "linux", "packs")
API = "http://127.0.0.1:9101/v1"
CONFIGURATION = (
    ("/etc/st2", "*"),
    ("/etc/default", "st2*"),
    ("/etc/systemd/system", "st2*"),
    ("/etc/systemd/system", "st2*.d/*"),
    ("/etc/ssl/certs", "ca-certificates.crt"),
    ("/usr/local/share/ca-certificates", "*"),
    (str(BASE / "configs"), "*"),
    (str(BASE / "overrides"), "*"),
)
PATIENCE = 60


def main() -> None:
    """Print it."""
    found = {
        "packs": {path.name: pack(path) for path in sorted(BASE.glob("packs/*")) if (path / "pack.yaml").exists()},
        "virtualenvs": {path.name: packages(path) for path in sorted(BASE.glob("virtualenvs/[!.]*"))},
        "configs": {path.stem: yaml.safe_load(path.read_bytes()) for path in sorted(BASE.glob("configs/*.yaml"))},
        "registered": registered(),
        "services": {name: said(name) for name in services()},
        "files": files(),
    }
    for name in SYSTEM_PACKS:
        found["packs"].pop(name, None)
    json.dump(found, sys.stdout)


def pack(path: Path) -> dict[str, t.Any]:
    """What is installed: the version, the commit, and whether anything was edited."""
    git = ["git", "-c", "safe.directory=*", "--no-optional-locks", "-C", str(path)]
    commit = run(*git, "rev-parse", "HEAD") if (path / ".git").exists() else None
    edited = bool(commit and run(*git, "status", "--porcelain"))
    version = str(yaml.safe_load((path / "pack.yaml").read_bytes())["version"])
    return {"version": version, "commit": commit, "edited": edited, "group": grp.getgrgid(path.stat().st_gid).gr_name}


def packages(path: Path) -> dict[str, str]:
    """The packages in a virtualenv, by name."""
    names = [found.name[: -len(".dist-info")] for found in path.glob("lib/python3*/site-packages/*.dist-info")]
    return dict(name.rsplit("-", 1) for name in sorted(names))  # type: ignore[misc]  # Always two parts.


def registered() -> dict[str, t.Any]:
    """What StackStorm's database has, as its API says."""
    found = {each["ref"]: {"version": each["version"]} for each in ask("packs?limit=-1")}
    for each in ask("configs?limit=-1&show_secrets=true"):
        found.setdefault(each["pack"], {})["config"] = each["values"]
    for each in ask("actions?limit=-1"):
        found[each["pack"]].setdefault("actions", []).append(each["name"])
    return {ref: has for ref, has in sorted(found.items()) if ref not in SYSTEM_PACKS}


def ask(path: str) -> t.Any:
    """The answer of the API, which may still be starting."""
    (key,) = [line.split(" = ")[1] for line in Path("/root/.st2/config").read_text().splitlines() if "api_key" in line]
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(Request(f"{API}/{path}", headers={"St2-Api-Key": key}), timeout=10) as answer:
                return json.load(answer)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def services() -> list[str]:
    """The services of StackStorm that systemd runs, workers as C(st2actionrunner@1)."""
    listed = run("systemctl", "list-units", "--plain", "--no-legend", "--state=active", "st2*.service").splitlines()
    names = [line.split()[0][: -len(".service")] for line in listed]
    return sorted(name for name in names if name != "st2actionrunner")


def said(name: str) -> t.Any:
    """What a service has read, since it was last started."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        pid = run("systemctl", "show", "--property=MainPID", "--value", f"{name}.service")
        try:
            found = json.loads((SAID / f"{name}.json").read_bytes())
        except FileNotFoundError:
            found = None
        if found and str(found["pid"]) == pid:
            return found
        time.sleep(0.1)
    raise SystemExit(f"{name} has not said what it has read")


def files() -> dict[str, t.Any]:
    """Mode, owner, group and digest of every file of the configuration."""
    found = {}
    for directory, pattern in CONFIGURATION:
        for path in sorted(Path(directory).glob(pattern)):
            if path.is_file():
                status = path.stat()
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                who = (pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid).gr_name)
                found[str(path)] = [oct(status.st_mode & 0o7777), *who, digest]
    return found


def run(*command: str) -> str:
    """The output of a program that must succeed."""
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().strip()


if __name__ == "__main__":
    main()
