# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commit and tag a release of a pack, as a team does: C(release.py WORK_TREE REF VERSION [broken]).

The work tree is made when it is missing. What is broken lacks the file that an action names, which a lint refuses.
A tag that exists is moved.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from infrastructure.packs import PackTree


def main(place: Path, ref: str, version: str, *how: str) -> None:
    """Do it."""
    tree = PackTree(ref, version, minimal=True)
    if "broken" in how:
        tree.remove("actions/report.py")
    tree.write(place)
    git = ["git", "-C", str(place), "-c", "user.name=Team", "-c", "user.email=team@example.test"]
    if not (place / ".git").exists():
        subprocess.run([*git, "init", "--quiet", "--initial-branch=main"], check=True)
    if "broken" in how:
        (place / "actions" / "report.py").unlink(missing_ok=True)
    for command in (
        ["add", "--all"],
        ["commit", "--quiet", "--allow-empty", f"--message=Release {version}"],
        ["tag", "--force", f"v{version}"],
    ):
        subprocess.run([*git, *command], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
