# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ansible callback that lets runs share what they send to hosts, for `ansible_run`."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ansible import constants
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: shared_modules
type: notification
short_description: Builds each module only once for all runs
description:
  - For the tests of this collection. Ansible looks through all imports of a module, and keeps what it sends until the
    run ends, in a directory of the run. The one named by the environment variable C(ST2_TEST_MODULES) is used instead.
    Modules must not change between the runs.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Puts a link to the directory where Ansible looks (ansible/executor/module_common.py)."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "shared_modules"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        # Runs that are forks of one process have their directory together.
        with contextlib.suppress(FileExistsError):
            Path(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache").symlink_to(os.environ["ST2_TEST_MODULES"])
