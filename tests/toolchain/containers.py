# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers for the hosts of Molecule: which engine there is, what it needs on this machine, and the images.

With podman everything is in C(.cache/containers), images too, and nothing of what the machine has is seen or touched.
With docker the images are where docker has them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import typing as t
from pathlib import Path

import system_packages
from environments import CACHE, ROOT, CannotPrepare

STORE = CACHE / "containers"
MAKE_IMAGES = ROOT / "extensions" / "molecule" / "hosts" / "make_images.py"
# Which engine to take, instead of the first that is there; read by Molecule's playbooks too.
CHOICE = "ST2_CONTAINER_ENGINE"
# Where an engine that belongs to an account, and not to root, is found.
ACCOUNT = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST")

# mount.overlay would stay mounted, and "make clean" could not remove it.
STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{store}/images"
runroot = "{store}/run"
[storage.options.overlay]
skip_mount_home = "true"
"""
# For a machine that is a container itself: control groups of version 1, no systemd, no right to raise limits.
SMALL = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_config_dir = "{store}/networks"
"""


class NoContainers(Exception):
    """This machine can have no containers; the message says why."""


def prepare(python: Path) -> dict[str, str]:
    """See that containers can be started, and make the images; the variables that Molecule needs for them.

    :arg python: An interpreter with pip.

    Raises NoContainers, and CannotPrepare where there could be containers and something else goes wrong.
    """
    engine = _engine()
    variables = {CHOICE: engine, **{name: os.environ[name] for name in ACCOUNT if name in os.environ}}
    if engine == "podman":
        variables.update(_own_storage())
        # What a run that was killed has left. Without the settings that it was started with, the network's server of
        # names would stay, and the hosts of this run would have none.
        settings = STORE / "containers.conf"
        small = {"CONTAINERS_CONF": str(settings)} if settings.exists() else {}
        _run([engine, "rm", "--all", "--force", "--time=0"], {**variables, **small})
        shutil.rmtree(STORE / "run", ignore_errors=True)
    base = _base(engine, python, variables)
    variables.update(_what_it_takes(engine, base, variables))
    done = _run([str(python), str(MAKE_IMAGES), f"--engine={engine}"], variables, show=True)
    if done.returncode:
        raise CannotPrepare(f"The images of Molecule's hosts cannot be made: {_end(done)}")
    return variables


def clean() -> None:
    """Remove C(.cache/containers); what lies there may belong to accounts that only podman can act for."""
    if os.geteuid() and STORE.exists() and shutil.which("podman"):
        subprocess.run(["podman", "unshare", "rm", "-rf", str(STORE)], stdin=subprocess.DEVNULL, check=False)


def _engine() -> str:
    chosen = os.environ.get(CHOICE)
    if chosen:
        return chosen
    if shutil.which("podman"):
        return "podman"
    if shutil.which("docker") and _run(["docker", "info"], {}).returncode == 0:
        return "docker"
    if system_packages.can_install():
        system_packages.install(list(system_packages.CONTAINERS))
    if shutil.which("podman"):
        return "podman"
    packages = " ".join(system_packages.CONTAINERS)
    raise NoContainers(f"there is no podman and no docker that answers (Debian and Ubuntu: apt-get install {packages})")


def _own_storage() -> dict[str, str]:
    STORE.mkdir(parents=True, exist_ok=True)
    path = STORE / "storage.conf"
    path.write_text(STORAGE.format(store=STORE), encoding="utf-8")
    return {"CONTAINERS_STORAGE_CONF": str(path)}


def _base(engine: str, python: Path, variables: t.Mapping[str, str]) -> str:
    command = [str(python), str(MAKE_IMAGES), f"--engine={engine}", "--base"]
    done = _run(command, variables, show=True)
    if done.returncode and system_packages.can_install() and not shutil.which("debootstrap"):
        system_packages.install(["debootstrap"])
        done = _run(command, variables, show=True)
    if done.returncode:
        raise NoContainers(_end(done))
    return done.stdout.decode().strip().strip('"')


def _what_it_takes(engine: str, base: str, variables: t.Mapping[str, str]) -> dict[str, str]:
    """Variables with which a container can be started; none where it can be as it is."""
    command = [engine, "run", "--rm", base, "true"]
    done = _run(command, variables)
    if done.returncode == 0:
        return {}
    reason = _end(done)
    if engine == "podman":
        if system_packages.can_install() and not shutil.which("runc"):
            system_packages.install(["runc"])
        path = STORE / "containers.conf"
        path.write_text(SMALL.format(store=STORE), encoding="utf-8")
        small = {"CONTAINERS_CONF": str(path)}
        if _run(command, {**variables, **small}).returncode == 0:
            return small
    raise NoContainers(f"{engine} cannot start a container: {reason}")


def _run(
    command: t.Sequence[str], variables: t.Mapping[str, str], *, show: bool = False
) -> subprocess.CompletedProcess[bytes]:
    """Run a program with none of podman's settings but these; C(show) lets it say on the terminal what takes long."""
    errors = None if show else subprocess.PIPE
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CONTAINERS_")}
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        env={**inherited, **variables},
        check=False,
    )


def _end(done: subprocess.CompletedProcess[bytes]) -> str:
    said = (done.stderr or done.stdout or b"").decode(errors="replace").strip()
    return said.splitlines()[-1] if said else f"exit status {done.returncode} of {' '.join(done.args)}"


if __name__ == "__main__":
    clean()
