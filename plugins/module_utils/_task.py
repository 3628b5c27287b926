# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a module's task is to the work below it, and what the work gives back."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ._errors import HostError, St2Error
from ._secrets import Redactor
from ._st2.host import Host


class Task(t.NamedTuple):
    """What a task gives to its work.

    :arg found_host: The StackStorm host as its settings describe it; C(None) for work that needs none on the target,
        see L(ArgumentSpec.needs_host).
    :arg scratch: A directory of this run alone, which is removed afterwards.
    """

    params: t.Mapping[str, t.Any]
    found_host: t.Optional[Host]
    check: bool
    environment: t.Mapping[str, str]
    scratch: str
    redactor: Redactor

    @property
    def host(self) -> Host:
        """The StackStorm host.

        :raises HostError: when the module's spec says that this task needs none.
        """
        if self.found_host is None:
            raise HostError("This task does not read the settings of a StackStorm on the target.")
        return self.found_host


@dataclass
class Result:
    """What the work gives back.

    :arg returned: The module's own return values.
    :arg failure: The error that ended the work, if one did.
    """

    changed: bool = False
    msg: str = ""
    returned: t.Dict[str, t.Any] = field(default_factory=dict)
    diff: t.List[t.Dict[str, str]] = field(default_factory=list)
    warnings: t.List[str] = field(default_factory=list)
    failure: t.Optional[St2Error] = None
