# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of pages take from npm: axe-core, which looks for what keeps people out, and html-validate."""

from __future__ import annotations

import shutil
import subprocess

from environments import CACHE

PACKAGES = ("axe-core@4.14.1", "html-validate@9.7.1")
PLACE = CACHE / "npm"
_OPTIONS = ("--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
_SECONDS = 300


def install() -> None:
    """Install them in C(.cache/npm), once. Where npm or its registry is missing, tests that need them are skipped."""
    stamp = PLACE / "installed"
    wanted = "\n".join(PACKAGES)
    npm = shutil.which("npm")
    if npm is None or (stamp.exists() and stamp.read_text(encoding="utf-8") == wanted):
        return
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    # Otherwise npm would look for one in the directories above.
    (PLACE / "package.json").write_text("{}\n", encoding="utf-8")
    command = [npm, "install", *_OPTIONS, "--cache", str(PLACE / "cache"), *PACKAGES]
    try:
        done = subprocess.run(
            command, cwd=PLACE, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired:
        return
    if done.returncode == 0:
        stamp.write_text(wanted, encoding="utf-8")
