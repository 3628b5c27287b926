# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in as a program, for plays: ``python -m infrastructure.st2_stub --st2-conf FILE --ready FILE``.

It serves the host that a st2.conf describes, writes where and with which key into the ready file (and prints it), and
ends when that file is gone: a play that removes its directory leaves nothing running.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import time
import typing as t
from pathlib import Path

from . import register_content
from .paths import HostPaths
from .stub import ADMIN, OBSERVER, StackStormStub

PAUSE = 0.1
"""Seconds between two looks at the ready file."""


@dataclasses.dataclass(frozen=True)
class DescribedHost:
    """What `StackStormStub` wants of a host, as a st2.conf describes it."""

    root: Path
    base_path: Path
    packs: Path
    extra_base_paths: t.Tuple[Path, ...]
    version: str

    @property
    def service(self) -> Path:
        """StackStorm's virtualenv."""
        return self.base_path / "st2"

    def add_register_content(self, database: Path) -> Path:
        """Put a stand-in for ``st2-register-content`` into the service, which is made where missing."""
        (self.service / "bin").mkdir(parents=True, exist_ok=True)
        return register_content.install(self.service, database)


def main(arguments: t.Sequence[str]) -> int:
    """Serve until the ready file is gone; return the exit code."""
    options = _parser().parse_args(arguments)
    paths = HostPaths.of_settings(options.st2_conf)
    host = DescribedHost(
        options.ready.absolute(), paths.base_path, paths.packs, paths.packs_base_paths[1:], options.stackstorm_version
    )
    repositories = dict(each.split("=", 1) for each in options.repository)
    with StackStormStub(
        host,
        index_urls=options.index_url,
        repositories=repositories,
        rbac=options.rbac,
        register_all=options.register_all,
        own_auth_port=bool(options.auth_port),
        ports=(options.api_port, options.auth_port),
    ) as stub:
        said = {"api_url": stub.api_url, "auth_url": stub.auth_url, "pid": os.getpid()}
        for account in (ADMIN, OBSERVER):
            said[account.role] = dataclasses.asdict(account)
        if options.register_content:
            said["register_content"] = str(stub.install_register_content())
        partial = options.ready.with_name(f"{options.ready.name}.partial")
        partial.write_text(json.dumps(said))
        partial.replace(options.ready)
        print(json.dumps(said), flush=True)
        while options.ready.exists():
            time.sleep(PAUSE)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="st2_stub", description="A stand-in for StackStorm")
    parser.add_argument("--st2-conf", required=True, type=Path, help="what says where the host's directories are")
    parser.add_argument("--ready", required=True, type=Path, help="where to say the address; the end of it is the end")
    parser.add_argument("--index-url", action="append", default=[], help="an index document, over HTTP")
    parser.add_argument("--repository", action="append", default=[], metavar="URL=PATH", help="where a URL really is")
    parser.add_argument("--rbac", action="store_true", help="refuse the observer what an observer lacks")
    parser.add_argument("--register-all", action="store_true", help="begin with everything registered")
    parser.add_argument("--register-content", action="store_true", help="put st2-register-content into the service")
    parser.add_argument("--api-port", type=int, default=0, help="where to answer; any free port by default")
    parser.add_argument("--auth-port", type=int, default=0, help="where st2auth is to answer, if at a port of its own")
    parser.add_argument("--stackstorm-version", default="3.9.0")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
