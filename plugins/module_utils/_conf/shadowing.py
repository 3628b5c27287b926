# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What keeps an option of C(st2.conf) from having effect: variables of services, and files that they read later."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._errors import HostError
from .._st2.conf import read_conf
from .._st2.conf_text import ConfTextError
from .._st2.service_start import ServiceStart
from .document import Document
from .options import Wanted

ENVIRONMENT, CONFIG_FILE, OTHER_FILE = "environment", "config_file", "other_file"


@dataclass(frozen=True)
class Shadow:
    """One option that one service does not take from the file.

    :arg by: C(environment), C(config_file) for a later file that has the option, C(other_file) when the service does
        not read this file at all.
    :arg source: The file that gives the variable, or that counts; of a later file with the line.
    :arg variable: The variable, if it is one.
    """

    wanted: Wanted
    service: str
    by: str
    source: str
    variable: t.Optional[str] = None

    def as_dict(self) -> t.Dict[str, t.Any]:
        """For the result of a module."""
        return {
            "section": self.wanted.section,
            "option": self.wanted.option,
            "service": self.service,
            "by": self.by,
            "source": self.source,
            "variable": self.variable,
        }


def find_shadows(path: str, wanted: t.Sequence[Wanted], services: t.Sequence[ServiceStart]) -> t.List[Shadow]:
    """All options that some service does not take from a file.

    :arg path: The C(st2.conf).
    """
    later = _Later()
    found = (_shadow(path, one, service, later) for one in wanted for service in services)
    return [shadow for shadow in found if shadow]


def _shadow(path: str, wanted: Wanted, service: ServiceStart, later: _Later) -> t.Optional[Shadow]:
    # st2common/config.py St2EnvironmentConfigurationSource: it wins over all files.
    variable = f"ST2_{wanted.section}__{wanted.option}".upper()
    if variable in service.variables:
        return Shadow(wanted, service.name, ENVIRONMENT, service.variables[variable].path, variable)
    if service.conf_files is None:
        return None
    places = [place for place, name in enumerate(service.conf_files) if _same(name, path)]
    if not places:
        return Shadow(wanted, service.name, OTHER_FILE, ", ".join(service.conf_files))
    for name in reversed(service.conf_files[places[-1] + 1 :]):
        line = later.line_of(name, wanted)
        if line:
            return Shadow(wanted, service.name, CONFIG_FILE, f"{name}:{line}")
    return None


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


class _Later:
    """Files that are read after the one that is edited, each read once."""

    def __init__(self) -> None:
        self._found: t.Dict[str, t.Optional[Document]] = {}

    def line_of(self, path: str, wanted: Wanted) -> int:
        """The line that defines an option, 0 for none. A file that StackStorm cannot read either has none."""
        if path not in self._found:
            try:
                self._found[path] = Document(read_conf(path).decode("utf-8", "surrogateescape"))
            except (HostError, ConfTextError):
                self._found[path] = None
        document = self._found[path]
        definitions = document.definitions if document else ()
        return max((one.first + 1 for one in definitions if (one.section, one.option) == wanted.key), default=0)
