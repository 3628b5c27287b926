# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""See that the programs which the tests use are there; as root on Debian and Ubuntu, install what is missing.

C(system_packages.py demo) or C(system_packages.py test). Ends with a sentence that names what is missing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import typing as t

SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])

# What is needed, and the package that has it on Debian and Ubuntu.
DEMO = {"git": "git"}
# What Debian's podman needs where it comes without its recommendations, on machines of every kind.
CONTAINERS = ("podman", "runc", "iptables", "netavark", "aardvark-dns", "uidmap", "fuse-overlayfs", "debootstrap")
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
TEST = {
    **DEMO,
    **{"ssh": "openssh-client", "ssh-keygen": "openssh-client", "sshd": "openssh-server"},
    **{"openssl": "openssl", "gpg": "gnupg"},
}

_installing = threading.Lock()


def missing(programs: t.Mapping[str, str]) -> dict[str, str]:
    """What is not there: the names of programs, or of Python's venv module, and the package of each."""
    absent = {name: package for name, package in programs.items() if shutil.which(name, path=SYSTEM_PATH) is None}
    if not _has_venv():
        absent["the venv module of Python"] = "python3-venv"
    return absent


def main(purpose: str) -> int:
    """Check, install when that is possible, check again. Returns the exit status."""
    wanted = DEMO if purpose == "demo" else TEST
    absent = missing(wanted)
    if absent and can_install():
        install(sorted(set(absent.values())))
        absent = missing(wanted)
    if not absent:
        return 0
    packages = " ".join(sorted(set(absent.values())))
    sys.stderr.write(
        f"make {purpose} needs {', '.join(absent)}, which this machine does not have. "
        f"Install it (on Debian and Ubuntu: sudo apt-get install {packages}) and run make {purpose} again.\n"
    )
    return 1


def browser() -> str | None:
    """The program of a Chromium, installed where there is none and that can be done; None where there is none."""
    for attempt in range(2):
        found = next(filter(None, (shutil.which(name, path=SYSTEM_PATH) for name in BROWSERS)), None)
        if found or attempt or not can_install():
            return found
        install(["chromium", "fonts-dejavu-core"])
    return None


def can_install() -> bool:
    """Whether this is root on a Debian or Ubuntu."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str]) -> None:
    """Install Debian packages without a question asked. The output is shown only when it fails."""
    with _installing:  # Stages are prepared side by side, and apt-get would refuse the second.
        _install(packages)


def _install(packages: list[str]) -> None:
    sys.stderr.write(f"   apt-get install {' '.join(packages)} (once)\n")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "--quiet", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            check=False,
        )
        if done.returncode:
            sys.stderr.write(done.stdout.decode(errors="replace"))


def _has_venv() -> bool:
    # Asked of a new process: this one would not see a module that was installed after it started.
    probe = [sys.executable, "-I", "-c", "import ensurepip, venv"]
    return subprocess.run(probe, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "test"))
