# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The runners that a StackStorm has, without one of which it refuses an action."""

from __future__ import annotations

import configparser
import glob
import os
import typing as t

from .._errors import InvalidPackError, RegistrationError
from .._files import read_regular_file
from .._yaml_file import load_yaml

if t.TYPE_CHECKING:
    from .host import Host
    from .registrar import Registrar

# st2common/runners/base.py RUNNERS_NAMESPACE
_GROUP = "st2common.runners.runner"
_MOST_BYTES = 1 << 20


def known_runners(registrar: Registrar, host: Host) -> t.Optional[t.FrozenSet[str]]:
    """The names of all runners: those in the database, and the installed ones, which StackStorm registers before
    actions (st2api/controllers/v1/packs.py, cmd in st2common/content/bootstrap.py).

    :returns: C(None) when neither can be asked.
    """
    found: t.Set[str] = set()
    if registrar.reads:
        try:
            found.update(registrar.runners())
        except RegistrationError:
            pass  # Such as an account that may not list them.
    found.update(installed_runners(host.st2_site_packages))
    return frozenset(found) or None


def installed_runners(site_packages: t.Optional[str]) -> t.Set[str]:
    """The runners that are installed beside StackStorm, by the entry points of its Python packages, and the other
    names that their C(runner.yaml) gives them (st2common/bootstrap/runnersregistrar.py register_runner)."""
    if not site_packages:
        return set()
    found: t.Set[str] = set()
    directory = glob.escape(site_packages)
    for ending in ("dist-info", "egg-info"):
        for path in sorted(glob.glob(f"{directory}/*.{ending}/entry_points.txt")):
            for name, module in _entry_points(path):
                found.add(name)
                found.update(_other_names(os.path.join(site_packages, module.partition(".")[0], "runner.yaml"), name))
    return found


def _entry_points(path: str) -> t.List[t.Tuple[str, str]]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(read_regular_file(path, _MOST_BYTES).decode("utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return []
    return list(parser.items(_GROUP)) if parser.has_section(_GROUP) else []


def _other_names(path: str, name: str) -> t.Iterator[str]:
    try:
        runners = load_yaml(path, most_bytes=_MOST_BYTES)
    except InvalidPackError:
        return
    for runner in runners if isinstance(runners, list) else ():
        if isinstance(runner, dict) and runner.get("name") == name and isinstance(runner.get("aliases"), list):
            yield from (alias for alias in runner["aliases"] if isinstance(alias, str))
