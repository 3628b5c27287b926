# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A Python program asked for its version, and for the packages that it takes."""

from __future__ import annotations

import typing as t

from .._deadline import Deadline
from .._errors import DeadlineError, St2Error, VirtualenvError
from .._process import run

# The tags of wheels that it takes (PEP 425, PEP 600).
_TAGS = """
import os, sys, sysconfig
print('%d.%d' % sys.version_info[:2])
print(sys.implementation.cache_tag.replace('cpython-', 'cp') + getattr(sys, 'abiflags', ''))
system = sysconfig.get_platform().replace('-', '_').replace('.', '_')
try:
    release = os.confstr('CS_GNU_LIBC_VERSION').split()[1].split('.')
    print('manylinux_%s_%s_%s' % (release[0], release[1], system.partition('_')[2]))
except (AttributeError, IndexError, OSError, ValueError):
    print(system)
"""


def ask_version(path: str, deadline: Deadline, environment: t.Mapping[str, str]) -> str:
    """The version of the Python at C(path), as C(X.Y).

    :raises VirtualenvError: when it does not run.
    """
    return _ask(path, "import sys; print('%d.%d' % sys.version_info[:2])", deadline, environment)


def ask_tags(path: str, deadline: Deadline, environment: t.Mapping[str, str]) -> t.Dict[str, str]:
    """Which packages the Python at C(path) takes: C(version) as C(X.Y), C(abi) and C(platform).

    :raises VirtualenvError: when it does not run.
    """
    return dict(zip(("version", "abi", "platform"), _ask(path, _TAGS, deadline, environment).splitlines()))


def _ask(path: str, code: str, deadline: Deadline, environment: t.Mapping[str, str]) -> str:
    try:
        return run([path, "-I", "-c", code], deadline=deadline, environment=environment).stdout.strip()
    except DeadlineError:
        raise
    except St2Error as error:
        raise VirtualenvError(
            f"The Python for pack virtualenvs, {path} ([actionrunner] python_binary), does not run: {error.message}",
            stderr=error.stderr,
        ) from error
