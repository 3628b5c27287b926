# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run of st2_pack that tells what it took: seconds, memory, and what it imported."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import tempfile
import time
import typing as t
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infrastructure.ansible_run import collections_path

from .world import World

MEBIBYTE = 1024.0
_PROBE = """\
import json, resource, runpy, sys
from ansible.module_utils import basic
basic._ANSIBLE_ARGS = sys.stdin.buffer.read()
basic._ANSIBLE_PROFILE = "legacy"
compiled = []
sys.addaudithook(lambda event, told: event == "compile" and compiled.append(str(told[1])))
try:
    runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
finally:
    own = resource.getrusage(resource.RUSAGE_SELF)
    cpu = sum(used.ru_utime + used.ru_stime for used in (own, resource.getrusage(resource.RUSAGE_CHILDREN)))
    told = {"peak": own.ru_maxrss, "cpu": cpu, "modules": sorted(sys.modules), "compiled": compiled}
    print("\\n" + json.dumps(told), file=sys.stderr)
"""
_PLUGINS = Path("ansible_collections", "stackstorm", "st2", "plugins")


@dataclass
class Probe:
    """What was found out; all but ``seconds`` and ``cpu_seconds`` is of the module's process alone.

    ``compiled`` are the files that Python compiled, each as often as it did so. ``cpu_seconds`` are of its process
    and of all that it started.
    """

    seconds: float
    cpu_seconds: float
    peak_mebibytes: float
    modules: t.List[str]
    compiled: t.List[str]
    result: t.Dict[str, t.Any]


@functools.lru_cache(maxsize=None)
def _sent() -> tempfile.TemporaryDirectory[str]:
    """A directory with the collection as Ansible sends it: sources in a zip file, in packages that are all there."""
    directory = tempfile.TemporaryDirectory(prefix="sent-")
    files = [
        path for kind in ("modules", "module_utils") for path in (collections_path() / _PLUGINS / kind).rglob("*.py")
    ]
    names = {path.relative_to(collections_path()): path.read_text("utf-8") for path in files}
    packages = {parent / "__init__.py": "" for name in names for parent in name.parents if parent.name}
    with zipfile.ZipFile(Path(directory.name, "sent.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**packages, **names}.items():
            archive.writestr(str(name), text)
    return directory


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
        env={**measured.host.environment(), **variables, "PYTHONPATH": str(Path(_sent().name, "sent.zip"))},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - started
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    told = json.loads(done.stderr.splitlines()[-1])
    result = json.loads(done.stdout.strip().splitlines()[-1])
    return Probe(seconds, told["cpu"], told["peak"] / MEBIBYTE, told["modules"], told["compiled"], result)
