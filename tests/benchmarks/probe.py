# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run of st2_pack that tells what it took: seconds, memory, and what it imported."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass

from infrastructure.ansible_run import collections_path

from .world import World

MEBIBYTE = 1024.0
_PROBE = """\
import json, resource, runpy, sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
try:
    runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
finally:
    own = resource.getrusage(resource.RUSAGE_SELF)
    print("\\n" + json.dumps({"peak": own.ru_maxrss, "modules": sorted(sys.modules)}), file=sys.stderr)
"""


@dataclass
class Probe:
    """What was found out: ``peak_mebibytes`` and ``modules`` are of the module's process, not of what it starts."""

    seconds: float
    peak_mebibytes: float
    modules: t.List[str]
    result: t.Dict[str, t.Any]


def probe(measured: World, environment: t.Optional[t.Mapping[str, str]] = None, **options: t.Any) -> Probe:
    """Run the module on all packs of a world; it must succeed.

    :arg environment: variables instead of the world's.
    """
    arguments = {"ANSIBLE_MODULE_ARGS": {**measured.arguments(**options), "st2_conf": str(measured.host.st2_conf)}}
    variables = measured.environment() if environment is None else environment
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, "ansible_collections.stackstorm.st2.plugins.modules.st2_pack"],
        input=json.dumps(arguments),
        env={**measured.host.environment(), **variables, "PYTHONPATH": str(collections_path())},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    told = json.loads(done.stderr.splitlines()[-1])
    result = json.loads(done.stdout.strip().splitlines()[-1])
    return Probe(seconds, told["peak"] / MEBIBYTE, told["modules"], result)
