# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""git:// on loopback."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from .serving_process import ServingProcess


class GitDaemon(ServingProcess):
    """`git daemon` for the bare repositories below ``root``; ``directory`` (outside ``root``) takes its log."""

    def __init__(self, root: t.Union[str, Path], directory: t.Union[str, Path]) -> None:
        self.root = Path(root)
        super().__init__(Path(directory) / "git-daemon.log")

    def command(self) -> t.List[str]:
        """Return the command line for ``self.port``."""
        return [
            *("git", "-c", "safe.directory=*", "daemon", "--verbose", "--export-all", "--reuseaddr"),
            *("--listen=127.0.0.1", f"--port={self.port}", f"--base-path={self.root}", str(self.root)),
        ]

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"git://127.0.0.1:{self.port}"

    @property
    def fetches(self) -> t.List[str]:
        """The repositories asked for, in order."""
        return re.findall(r"Request upload-pack for '/?([^']*)'", self.log)
