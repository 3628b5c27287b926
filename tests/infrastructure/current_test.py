# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pytest plugin: the test that is running, in a file beside the report, for when the process dies.

The report is written in the end, and what Python says of a fatal error goes where pytest keeps output of tests.
"""

from __future__ import annotations

import os
import typing as t

import pytest

ENDING = ".running"


class _Current:
    def __init__(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._file = open(path, "w", encoding="utf-8", errors="replace")  # noqa: SIM115 - open as long as pytest runs

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._file.seek(0)
        self._file.truncate()
        self._file.write(nodeid)
        self._file.flush()

    def pytest_unconfigure(self) -> None:
        self._file.close()


def pytest_configure(config: pytest.Config) -> None:
    """Write it when there will be a report."""
    report: t.Optional[str] = config.getoption("xmlpath")
    if report:
        config.pluginmanager.register(_Current(report + ENDING))
