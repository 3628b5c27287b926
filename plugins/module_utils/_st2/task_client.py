# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The client of StackStorm's API for a task that cannot do without it."""

from __future__ import annotations

import typing as t

from .._deadline import Deadline
from .api_access import find_access, open_client
from .api_client import ApiClient
from .registration_options import registration_options_from

if t.TYPE_CHECKING:
    from .._task import Task


def client_for(task: Task, deadline: Deadline) -> ApiClient:
    """The client for a task whose spec has C(registration_options), for work that needs StackStorm's API.

    :raises OptionError: as L(find_access).
    :raises RegistrationError: as L(open_client).
    """
    options = registration_options_from(task.params)
    for secret in options.secrets():
        task.redactor.add(secret)
    access = find_access(options, task.environment)
    return open_client(access, environment=task.environment, deadline=deadline, redactor=task.redactor)
