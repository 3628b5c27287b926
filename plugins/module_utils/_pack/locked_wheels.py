# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The Python packages that a lock has for the virtualenv of a pack, on the platform of this host."""

from __future__ import annotations

import hashlib
import os
import re
import typing as t

from .._errors import VirtualenvError

if t.TYPE_CHECKING:
    from .._lock.document import Lock, LockedPack, Platform
    from .dependencies import Pack
    from .options import Options
    from .plan import PackPlan

_LINUX = re.compile(r"(?P<libc>manylinux|musllinux)_(?P<major>\d+)_(?P<minor>\d+)_(?P<machine>.+)\Z")
# PEP 600: what the older names mean.
OLD_NAMES = {"manylinux1": "manylinux_2_5", "manylinux2010": "manylinux_2_12", "manylinux2014": "manylinux_2_17"}


class Pins(t.NamedTuple):
    """What is installed in the virtualenv of a pack, and nothing else.

    :arg lines: Of a requirements file, each with the digests of all files that will do.
    :arg problem: Why the lock has nothing for this host, as a clause.
    :arg refused: Whether that is a reason not to build one where only what is locked may be installed.
    """

    lines: t.Tuple[str, ...] = ()
    problem: str = ""
    refused: bool = False

    @property
    def digest(self) -> str:
        """By which it is known what a virtualenv got; empty where it is not from a lock."""
        return f"sha256:{hashlib.sha256(chr(10).join(self.lines).encode()).hexdigest()}" if self.lines else ""


def pins_of(options: Options, pack: Pack, version: t.Callable[[], str]) -> t.Optional[Pins]:
    """What the lock of a task has for the virtualenv of a pack; C(None) for a pack that is not as it is locked, or
    needs no virtualenv.

    :arg version: Tells the version of the Python for virtualenvs; asked where that counts only.
    """
    lock = options.lock
    locked = lock.packs.get(pack.ref) if lock else None
    if lock is None or locked is None or not lock.platforms or not _needed(options.virtualenv, pack):
        return None
    if (pack.commit or "") != locked.commit or (not locked.commit and _digest(pack) != locked.content):
        return None
    return pins_for(lock, locked, version(), host_platform())


def _needed(policy: str, pack: Pack) -> bool:
    from .._content.installed import InstalledPack
    from .plan import needs_virtualenv

    if isinstance(pack, InstalledPack):
        return needs_virtualenv(policy, pack)
    return policy == "always" or (policy == "auto" and pack.python)


def _digest(pack: Pack) -> str:
    from .._content.installed import InstalledPack

    if isinstance(pack, InstalledPack):
        return pack.receipt.digest if pack.receipt else ""
    return pack.digest


def without_pins(made: PackPlan, options: Options) -> str:
    """The warning about a virtualenv that is to be built, and for which the lock has nothing.

    :raises VirtualenvError: when only what is locked may be installed, and the lock is not for this host. Where it says
        of a pack that there are no digests of all it requires, it was made knowing that.
    """
    pins = made.pins or Pins()
    problem = pins.problem
    said = f"The virtualenv of {made.ref} has to be built, and the lock {options.lockfile} {problem}"
    if options.locked == "prefer" or not pins.refused:
        return f"{said}: its requirements were resolved without the lock."
    raise VirtualenvError(
        f"{said}. Nothing was changed: add this platform to the platforms of the lock (st2_pack_info returns it as "
        "python), or set locked to prefer to resolve the requirements here.",
        ref=made.ref,
    )


def pins_for(lock: Lock, pack: LockedPack, version: str, host: str) -> Pins:
    """What the lock has for a pack.

    :arg version: Of the Python for virtualenvs, C(X.Y).
    :arg host: The platform of this host, as L(host_platform) gives it.
    """
    if not lock.platforms:
        return Pins()
    fitting = sorted(
        (platform for platform in lock.platforms.values() if fits(platform, version, host)),
        key=lambda platform: _libc_version(platform.platform),
    )
    if not fitting:
        known = ", ".join(sorted(lock.platforms))
        return Pins(problem=f"has no wheels for Python {version} on {host}, only for {known}", refused=True)
    pins = next((pack.wheels[one.key] for one in reversed(fitting) if one.key in pack.wheels), None)
    if pins is None and pack.requirements:
        return Pins(problem=f"does not have the digests of all that {pack.ref} requires on {fitting[-1].key}")
    return Pins(tuple(_line(pin, lock.wheels[pin]) for pin in sorted(pins or ())))


def _line(pin: str, files: t.Mapping[str, str]) -> str:
    return " ".join([pin, *(f"--hash={digest}" for digest in sorted(set(files.values())))])


def host_platform() -> str:
    """The newest platform tag of wheels that this host takes, such as C(manylinux_2_36_x86_64)."""
    machine = os.uname().machine
    try:
        name, _space, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):
        name, version = "", ""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if name == "glibc" and numbers:
        return f"manylinux_{numbers.group(1)}_{numbers.group(2)}_{machine}"
    return f"musllinux_1_2_{machine}"


def fits(platform: Platform, version: str, host: str) -> bool:
    """Whether wheels for a platform can be installed on a host: the same Python and machine, and a libc that is not
    older (PEP 600, PEP 656)."""
    if platform.python != version or platform.abi.rstrip("mu") != f"cp{version.replace('.', '')}":
        return False
    if platform.platform == host:
        return True
    wanted, there = parsed_platform(platform.platform), parsed_platform(host)
    if not wanted or not there or wanted.group("libc", "machine") != there.group("libc", "machine"):
        return False
    return _libc_version(platform.platform) <= _libc_version(host)


def is_for(file: str, version: str, host: str) -> bool:
    """Whether a file of a package may be installed on a host: all but wheels for another Python or machine, or a newer
    libc."""
    from .._lock.document import Platform

    parts = file[: -len(".whl")].split("-") if file.endswith(".whl") else []
    if len(parts) < 5:
        return True
    python, abi, platforms = parts[-3:]
    number = version.replace(".", "")
    if "abi3" not in abi and not {"py3", f"py{number}", f"cp{number}"} & set(python.split(".")):
        return False
    tags = (Platform(version, f"cp{number}", tag) for tag in platforms.split("."))
    return "any" in platforms.split(".") or any(fits(tag, version, host) for tag in tags)


def parsed_platform(tag: str) -> t.Optional[t.Match[str]]:
    """The parts of the platform tag of a wheel for Linux: C(libc), C(major), C(minor), C(machine)."""
    for old, new in OLD_NAMES.items():
        if tag.startswith(f"{old}_"):
            tag = new + tag[len(old) :]
    return _LINUX.match(tag)


def _libc_version(tag: str) -> t.Tuple[int, int]:
    found = parsed_platform(tag)
    return (int(found.group("major")), int(found.group("minor"))) if found else (0, 0)
