# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What StackStorm's services get when they start: their variables, and the configuration files that they read.

packaging/*/systemd/*.service, st2common/config.py parse_args, st2api/wsgi.py. All is read from files, so it is what the
next start of a service gives, also in an image where systemd does not run.
"""

from __future__ import annotations

import glob
import os
import re
import typing as t
from dataclasses import dataclass, field

from .environment_file import read_environment_file
from .host import DEFAULT_ST2_CONF
from .services import find_unit, is_masked
from .unit_file import Setting, read_unit, words

# Debian's and EL's place for the variables of a service.
ENVIRONMENT_FILES = ("/etc/default", "/etc/sysconfig")
_REFERENCE = re.compile(r"\$\{(\w+)\}")
_EXECUTABLE_PREFIXES = "@-:+!|"


class Variable(t.NamedTuple):
    """The value of a variable, and the file that gives it."""

    value: str
    path: str


@dataclass(frozen=True)
class ServiceStart:
    """How one service starts.

    :arg variables: Its environment, as far as the unit and its environment files set it.
    :arg conf_files: The configuration files, in the order in which they are read: of an option, the last that has it
        counts. C(None) where nobody can tell.
    """

    name: str
    variables: t.Mapping[str, Variable] = field(repr=False)
    conf_files: t.Optional[t.Tuple[str, ...]]


def read_service_start(root: str, name: str) -> t.Optional[ServiceStart]:
    """How a service starts; C(None) where it is masked.

    Where it has no unit, what StackStorm's packages have: an environment file.

    :arg root: As L(Host.root). Paths in units are of its inside, and the result's are of the outside.
    :arg name: As in L(SERVICES).
    :raises HostError: for a file that cannot be read.
    """
    settings = _settings(root, name)
    if settings is None:
        return None
    variables = _variables(root, settings)
    return ServiceStart(name, variables, _conf_files(root, settings, variables))


def environment_files(root: str, name: str) -> t.Optional[t.Tuple[str, ...]]:
    """The environment files that a service names, in the order in which they are read; C(None) where it is masked.

    Takes and raises what L(read_service_start) does. A file need not be there, and may be a pattern.
    """
    settings = _settings(root, name)
    if settings is None:
        return None
    return tuple(root + setting.value.lstrip("-") for setting in _in_force(settings, "EnvironmentFile"))


def _settings(root: str, name: str) -> t.Optional[t.List[Setting]]:
    """What the unit of a service says, or its instances' one."""
    # The service of this name only starts its instances, all with the same environment file (runners.sh).
    template = find_unit(root, f"{name}@.service")
    unit = f"{name}@1.service" if template else f"{name}.service"
    path = find_unit(root, f"{name}.service")
    if path is not None and is_masked(path):
        return None
    settings = read_unit(root, unit)
    if settings is None and not (template or path):
        settings = [Setting("EnvironmentFile", f"-{folder}/{name}", "") for folder in ENVIRONMENT_FILES]
    return settings


def _in_force(settings: t.Iterable[Setting], name: str) -> t.List[Setting]:
    """The settings of one name; an empty one takes back those before it."""
    found: t.List[Setting] = []
    for setting in settings:
        if setting.name == name:
            found = [*found, setting] if setting.value else []
    return found


def _variables(root: str, settings: t.Sequence[Setting]) -> t.Dict[str, Variable]:
    """Those of the unit, and over them those of its environment files."""
    found: t.Dict[str, Variable] = {}
    for setting in _in_force(settings, "Environment"):
        for word in words(setting.value):
            name, equal, value = word.partition("=")
            if equal:
                found[name] = Variable(value, setting.path)
    for setting in _in_force(settings, "EnvironmentFile"):
        for path in sorted(glob.glob(root + setting.value.lstrip("-"))):
            found.update({name: Variable(value, path) for name, value in read_environment_file(path).items()})
    return found


def _conf_files(
    root: str, settings: t.Sequence[Setting], variables: t.Mapping[str, Variable]
) -> t.Optional[t.Tuple[str, ...]]:
    commands = _in_force(settings, "ExecStart")
    if not commands:
        return None
    program, *arguments = _expanded(commands[-1].value, variables) or [""]
    program = os.path.basename(program.lstrip(_EXECUTABLE_PREFIXES))
    usual = f"{root}{variables['ST2_CONFIG_PATH'].value if 'ST2_CONFIG_PATH' in variables else DEFAULT_ST2_CONF}"
    if program == "gunicorn":
        return (usual,)
    named = tuple(_named(root, arguments))
    # Without any, oslo.config looks for a directory of the program's own as well (cfg.py find_config_dirs).
    return named or (usual, *_in_directory(f"{root}/etc/{program}.conf.d"))


def _expanded(command: str, variables: t.Mapping[str, Variable]) -> t.List[str]:
    """The words of a command: a lone C($NAME) becomes several, C(${NAME}) is put in (systemd.service(5))."""
    found: t.List[str] = []
    for word in words(command):
        if word.startswith("$") and word[1:].isidentifier():
            found += words(variables[word[1:]].value) if word[1:] in variables else []
        else:
            found.append(_REFERENCE.sub(lambda match: variables.get(match.group(1), Variable("", "")).value, word))
    return found


def _named(root: str, arguments: t.Sequence[str]) -> t.Iterator[str]:
    """The files of C(--config-file) and C(--config-dir), in the order of the command line."""
    waiting = list(arguments)
    while waiting:
        option, equal, value = waiting.pop(0).partition("=")
        if option in ("--config-file", "--config-dir"):
            value = value if equal else waiting.pop(0) if waiting else ""
            if option == "--config-file":
                yield root + value
            else:
                yield from _in_directory(root + value)


def _in_directory(path: str) -> t.List[str]:
    return sorted(glob.glob(f"{glob.escape(path)}/*.conf"))
