# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What to tell of libraries that are missing: whether a StackStorm could have them, and else how to install them."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import typing as t

from ._libraries import MODULES
from ._st2.host import Host
from ._st2.service_python import service_python


def borrow_libraries(params: t.Mapping[str, t.Any], host: t.Optional[Host]) -> bool:
    """Let this Python find StackStorm's own libraries, when its Python is of the same version.

    That spares the second process, and the imports, of a respawn.

    :returns: Whether it finds more now.
    """
    libraries = service_python(params, host)[1] or ""
    if f"/python{sys.version_info[0]}.{sys.version_info[1]}/" not in libraries or libraries in sys.path:
        return False
    # Behind everything else: what this Python has of its own stays what it is.
    sys.path.append(libraries)
    importlib.invalidate_caches()
    return True


def own_python(
    params: t.Mapping[str, t.Any], host: t.Optional[Host], minimum: t.Tuple[int, int]
) -> t.Tuple[t.Optional[str], t.Optional[str]]:
    """StackStorm's own Python, and what L(too_old) says of it."""
    python, libraries = service_python(params, host)
    return python, too_old(libraries, minimum)


def too_old(service_libraries: t.Optional[str], minimum: t.Tuple[int, int]) -> t.Optional[str]:
    """The version of StackStorm's own Python, if Ansible does not run there; C(None) if it does, or it is not known.

    :arg service_libraries: The C(site-packages) of that Python, whose path has its version.
    :arg minimum: The oldest version that Ansible runs on.
    """
    found = re.search(r"/python(\d+)\.(\d+)/", service_libraries or "")
    if not found or (int(found[1]), int(found[2])) >= minimum:
        return None
    return f"{found[1]}.{found[2]}"


def missing(library: str, service: t.Optional[str], old: t.Optional[str] = None) -> t.Tuple[str, str]:
    """What this Python lacks, as one text, and why.

    :arg library: The one that was missed.
    :arg service: As for L(why_missing).
    :arg old: As for L(why_missing).
    """
    libraries = missing_libraries(library)
    return ", ".join(libraries), why_missing(libraries, service, sys.executable, old)


def missing_libraries(library: str) -> t.List[str]:
    """The library that was missed first, and the others that this Python lacks: they are installed at once."""
    return [library, *(one for one, module in MODULES.items() if one != library and not _is_there(module))]


def why_missing(libraries: t.Sequence[str], service: t.Optional[str], python: str, old: t.Optional[str] = None) -> str:
    """Why libraries are not there, as a clause; where no StackStorm is that could give them, how to install them.

    :arg service: StackStorm's own Python, where there is one.
    :arg python: The Python that lacks them.
    :arg old: The version of StackStorm's own Python, if Ansible does not run there.
    """
    them = "it" if len(libraries) == 1 else "them"
    if service and not old:
        return f"StackStorm's own Python ({service}) lacks {them} too"
    packages = " ".join(f"python3-{MODULES[library]}" for library in libraries)
    reason = "there is no StackStorm Python on this host"
    if old:
        reason = (
            f"StackStorm's own Python, {service}, is Python {old}, which this release of ansible-core does not support"
        )
    return (
        f"{reason}. Install {them}: {python} -m pip install {' '.join(libraries)}, "
        f"or on Debian and Ubuntu apt-get install {packages}"
    )


def _is_there(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
