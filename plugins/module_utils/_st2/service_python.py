# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""StackStorm's own Python, which has every library, also for a task that is about no StackStorm on this machine."""

from __future__ import annotations

import glob
import os
import typing as t

from .._errors import HostError
from .conf import DEFAULTS
from .host import DEFAULT_ST2_CONF, Host, read_host, root_of

Python = t.Tuple[t.Optional[str], t.Optional[str]]


def service_python(params: t.Mapping[str, t.Any], host: t.Optional[Host]) -> Python:
    """The interpreter and its C(site-packages); C(None) for what there is not.

    :arg params: Of the task. The settings of a StackStorm that it is not about may be missing, or wrong.
    """
    st2_conf = params.get("st2_conf") or DEFAULT_ST2_CONF
    if host is None:
        try:
            host = read_host(st2_conf)
        except HostError:
            return _usual_python(root_of(st2_conf))
    return host.st2_python, host.st2_site_packages


def _usual_python(root: str) -> Python:
    """The same by StackStorm's usual place alone."""
    service = f"{root}{DEFAULTS[('system', 'base_path')]}/st2"
    if not os.access(f"{service}/bin/python", os.X_OK):
        return None, None
    return f"{service}/bin/python", next(iter(glob.glob(f"{service}/lib/python3*/site-packages")), None)
