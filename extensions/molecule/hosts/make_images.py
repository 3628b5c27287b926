# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the images of the hosts, unless they are there already, and print their names as JSON.

An image is named for a digest of all that it is made from, so whoever finds the name finds the right image. The base
is Debian's own image from the registry; where that cannot be had, one made by debootstrap, which only root can do.
C(make_images.py --base) makes and prints the base only.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

HOSTS = Path(__file__).resolve().parent
INFRASTRUCTURE = HOSTS.parents[2] / "tests" / "infrastructure"
NAME = "localhost/stackstorm-st2-molecule"
KINDS = ("stackstorm", "servers", "exchange")

REGISTRY = "docker.io/library/debian:bookworm"
SUITE = "bookworm"
PYTHON = "3.11"
PACKAGES = (
    *("ca-certificates", "dbus", "git", "iproute2", "openssh-server", "openssl", "procps"),
    *("python3", "python3-venv", "sudo", "systemd", "systemd-sysv"),
)
# Nobody reads them in a container, and they are a third of the image.
UNREAD = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists")


class Impossible(Exception):
    """An image cannot be made here; the message says what was tried."""


def main(arguments: t.Sequence[str]) -> int:
    """Make what is missing; print a base's name, or the names of all images by kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="podman", help="podman or docker")
    parser.add_argument("--base", action="store_true", help="make only the base")
    options = parser.parse_args(arguments)
    try:
        answer: t.Any = base(options.engine) if options.base else images(options.engine)
    except Impossible as problem:
        # For people, and for who started this.
        sys.stdout.write(f"{problem}\n")
        return 1
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


def images(engine: str) -> dict[str, str]:
    """The images by kind, made where they are missing; older ones go."""
    digest = _digest([*_files().items()], SUITE, *PACKAGES)
    names = {kind: f"{NAME}-{kind}:{digest}" for kind in KINDS}
    absent = [kind for kind, name in names.items() if not _exists(engine, name)]
    if absent:
        foundation = base(engine)
        with tempfile.TemporaryDirectory(prefix="molecule-images-") as place:
            _fill_context(Path(place), absent)
            for kind in absent:
                _say(f"making the image {names[kind]} (once)")
                _build(engine, foundation, kind, names[kind], Path(place))
        _remove_others(engine, [foundation, *names.values()])
    return names


def base(engine: str) -> str:
    """The image to start from; raises Impossible where there is none to be had."""
    own = f"{NAME}-base:{_digest([], SUITE, *PACKAGES)}"
    for name in (own, REGISTRY):
        if _exists(engine, name):
            return name
    try:
        _run([engine, "pull", "--quiet", REGISTRY])
    except subprocess.CalledProcessError as problem:
        if os.geteuid() or shutil.which("debootstrap") is None:
            reason = problem.stdout.decode(errors="replace").strip().splitlines()[-1:]
            raise Impossible(
                f"There is no image to start from. {engine} cannot pull {REGISTRY}: {''.join(reason)} "
                "One by debootstrap needs that program, and root."
            ) from problem
    else:
        return REGISTRY
    _say(f"making the image {own} by debootstrap (once)")
    with tempfile.TemporaryDirectory(prefix="molecule-base-") as place:
        _debootstrap(engine, Path(place), own)
    return own


def _debootstrap(engine: str, root: Path, name: str) -> None:
    try:
        _run(["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root)])
    except subprocess.CalledProcessError as problem:
        end = "\n".join(problem.stdout.decode(errors="replace").splitlines()[-20:])
        raise Impossible(f"debootstrap {SUITE} failed: {end}") from problem
    root.chmod(0o755)
    for path in UNREAD:
        for entry in (root / path).iterdir() if (root / path).is_dir() else ():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    command = 'tar -C "$1" --one-file-system -c . | "$2" import - "$3"'
    _run(["sh", "-c", command, "sh", str(root), engine, name])


def _fill_context(place: Path, kinds: t.Iterable[str]) -> None:
    for name, path in _files().items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place / name)
    for kind in KINDS:
        wheels = place / "wheels" / kind
        wheels.mkdir(parents=True)
        if kind in kinds and (HOSTS / f"{kind}.txt").exists():
            _download(HOSTS / f"{kind}.txt", wheels)


def _download(requirements: Path, target: Path) -> None:
    """Let this machine's pip fetch wheels, with its settings; in a container none of them would count."""
    machine = platform.machine()
    where = [f"--platform={each}_{machine}" for each in ("manylinux2014", "manylinux_2_17", "manylinux_2_28")]
    how = ["--quiet", "--disable-pip-version-check", "--only-binary=:all:", f"--python-version={PYTHON}", *where]
    _run([sys.executable, "-m", "pip", "download", *how, f"--dest={target}", f"--requirement={requirements}"])


def _build(engine: str, foundation: str, kind: str, name: str, context: Path) -> None:
    arguments = {"BASE": foundation, "PACKAGES": " ".join(PACKAGES)}
    values = [part for pair in arguments.items() for part in ("--build-arg", "=".join(pair))]
    what = ["--target", kind, "--tag", name, "--label", f"{NAME}={kind}", "--file", str(context / "Containerfile")]
    try:
        _run([engine, "build", "--quiet", *values, *what, str(context)])
    except subprocess.CalledProcessError as problem:
        end = "\n".join(problem.stdout.decode(errors="replace").splitlines()[-40:])
        raise Impossible(f"{engine} cannot build {name}: {end}") from problem


def _files() -> dict[str, Path]:
    """What images are made from, by its place in the context."""
    own = [path for path in HOSTS.rglob("*") if path.is_file() and path != Path(__file__).resolve()]
    shared = [path for path in INFRASTRUCTURE.rglob("*.py") if not path.name.startswith("test_")]
    found = {path.relative_to(HOSTS).as_posix(): path for path in own if "__pycache__" not in path.parts}
    found.update({f"infrastructure/{path.relative_to(INFRASTRUCTURE).as_posix()}": path for path in shared})
    return dict(sorted(found.items()))


def _digest(files: t.Iterable[tuple[str, Path]], *words: str) -> str:
    digest = hashlib.sha256("\0".join([platform.machine(), *words]).encode())
    for name, path in files:
        digest.update(f"\0{name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _exists(engine: str, name: str) -> bool:
    command = [engine, "image", "inspect", name]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def _remove_others(engine: str, kept: t.Sequence[str]) -> None:
    """Remove the images of earlier editions; one that somebody still uses stays."""
    listed = _run([engine, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).split()
    for name in listed:
        if name.startswith(f"{NAME}-") and name not in kept:
            subprocess.run([engine, "image", "rm", name], stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _run(command: t.Sequence[str]) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    )
    return done.stdout.decode(errors="replace")


def _say(text: str) -> None:
    sys.stderr.write(f"   {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
