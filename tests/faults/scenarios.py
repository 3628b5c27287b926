# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is killed: a state of the host, and a request that changes it."""

from __future__ import annotations

import dataclasses
import typing as t

from .world import PURGE, STAGED, World


@dataclasses.dataclass(frozen=True)
class Scenario:
    """One change of one state.

    :arg state: as `World.restore` knows it.
    :arg request: gives the arguments of st2_pack.
    :arg settled: the state whose packs and virtualenvs are the old ones, for a host where a run was interrupted.
    :arg third: the state whose packs and virtualenvs may be there too, as that run was on the way to it.
    :arg broken: whether the old packs are such that their actions do not run.
    :arg exchange: false for a file system that cannot exchange names. Between two renames a pack is then missing,
        which the design accepts; the next run has to heal it.
    :arg layered: whether the state is the lower layer of an overlay file system, as in a container that is made of an
        image. What lies there cannot be renamed, it is copied and removed; the design accepts that a kill in between
        leaves half of it, and the next run has to heal it.
    """

    name: str
    state: str
    request: t.Callable[[World], t.Mapping[str, t.Any]]
    settled: str = ""
    third: str = ""
    exchange: bool = True
    layered: bool = False
    broken: bool = False


def _packs(version: str) -> t.Callable[[World], t.Mapping[str, t.Any]]:
    return lambda world: world.packs(version)


def _names(*names: str, **options: t.Any) -> t.Callable[[World], t.Mapping[str, t.Any]]:
    return lambda world: {"name": list(names), **options}


def _mixed(world: World) -> t.Mapping[str, t.Any]:
    """One pack comes new, one is upgraded, one stays."""
    return {"name": ["gamma", "alpha=2.0.0", world.directory("1.0.0")]}


def _repair(world: World) -> t.Mapping[str, t.Any]:
    return {**world.packs("1.0.0"), "verify": "content"}


KILLED = (
    Scenario("install", "warm", _packs("1.0.0")),
    Scenario("install, no base yet", "empty", _names("alpha", "beta")),
    Scenario("install, no virtualenv", "empty", _names("gamma=1.0.0", virtualenv="never")),
    Scenario("upgrade", "old", _packs("2.0.0")),
    Scenario("upgrade, no virtualenv", "plain", _names("gamma=2.0.0", virtualenv="never")),
    Scenario("upgrade, nothing kept", "old", lambda world: {**world.packs("2.0.0"), "keep_releases": 0}),
    Scenario("upgrade by a lock", "old", lambda world: world.locked("2.0.0")),
    Scenario("downgrade", "new", _packs("1.0.0")),
    Scenario("install from a bundle", "warm", lambda world: world.bundle("1.0.0")),
    Scenario("upgrade from a bundle", "bundled", lambda world: world.bundle("2.0.0")),
    Scenario("install beside upgrade", "old", _mixed),
    Scenario("stage", "plain", lambda world: STAGED),
    Scenario("swap", "staged", lambda world: {**STAGED, "phase": "swap"}),
    Scenario("repair", "edited", _repair, broken=True),
    Scenario("adopt", "foreign", _names("alpha=1.0.0", "gamma=1.0.0")),
    Scenario("remove", "old", _names("beta", "alpha", state="absent")),
    Scenario("purge", "old", lambda world: PURGE),
    Scenario("heal, then upgrade", "upgrade interrupted", _packs("2.0.0"), settled="old"),
    Scenario("heal, then keep", "upgrade interrupted", _packs("1.0.0"), settled="old", third="new"),
    Scenario("heal, then purge", "purge interrupted", lambda world: PURGE, settled="old"),
    Scenario("upgrade without exchange", "old", _packs("2.0.0"), exchange=False),
    Scenario("heal without exchange", "upgrade interrupted", _packs("2.0.0"), settled="old", exchange=False),
)

LAYERED = (
    Scenario("upgrade over a layer", "old", _packs("2.0.0"), layered=True),
    Scenario("purge over a layer", "old", lambda world: PURGE, layered=True),
)
"""For machines that allow such mounts."""

REFUSED = tuple(
    scenario
    for scenario in KILLED
    if scenario.name in ("install", "upgrade", "purge", "heal, then upgrade", "upgrade without exchange")
)
"""Those in which changes are refused one by one."""
