# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A Python program asked for its version."""

from __future__ import annotations

import typing as t

from .._deadline import Deadline
from .._errors import DeadlineError, St2Error, VirtualenvError
from .._process import run


def ask_version(path: str, deadline: Deadline, environment: t.Mapping[str, str]) -> str:
    """The version of the Python at C(path), as C(X.Y).

    :raises VirtualenvError: when it does not run.
    """
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return run([path, "-I", "-c", code], deadline=deadline, environment=environment).stdout.strip()
    except DeadlineError:
        raise
    except St2Error as error:
        raise VirtualenvError(
            f"The Python for pack virtualenvs, {path} ([actionrunner] python_binary), does not run: {error.message}",
            stderr=error.stderr,
        ) from error
