# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs with names of files in letters that the locale of the host has not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

RUN = r"""
import os, sys
from pathlib import Path
from infrastructure.packs import PackTree
from infrastructure.repositories import run_git
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import Site, row_of

assert sys.getfilesystemencoding() == "ascii", sys.getfilesystemencoding()
root = Path(sys.argv[1])
root.mkdir()
site = Site(root, [PackTree("free", "1.0.0", minimal=True)])
work = PackTree("sensu", "1.0.0", minimal=True).write(root / "work")
for name in ("日本.sh", "ä.md"):
    with open(os.path.join(os.fsencode(str(work)), name.encode()), "w") as stream:
        stream.write("#!/bin/sh\n")
os.chmod(os.path.join(os.fsencode(str(work)), "日本.sh".encode()), 0o755)
if sys.argv[2] == "git":
    run_git("init", "--quiet", "--initial-branch=main", work)
    run_git("-C", work, "add", "--all")
    run_git("-C", work, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "one")
for options, action in (({}, "install"), ({}, "none"), ({"verify": "content"}, "none")):
    done = site.run(str(work), **options)
    assert done.failure is None, done.failure.message
    assert row_of(done)["action"] == action, row_of(done)
place = os.path.join(os.fsencode(str(site.host.packs / "sensu")), "日本.sh".encode())
with open(place, "w") as stream:
    stream.write("edited")
done = site.run(str(work), verify="content")
assert [edit.encode(errors="surrogateescape").decode() for edit in row_of(done)["edits"]] == ["edited 日本.sh"]
assert open(place).read() == "#!/bin/sh\n"
print("done")
"""


@pytest.mark.parametrize("kind", ["git", "directory"])
def test_a_pack_with_names_that_the_locale_cannot_spell(tmp_path, kind):
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))},
        **{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "utf-8"},
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    script = tmp_path / "run.py"
    script.write_text(RUN, encoding="utf-8")
    command = [sys.executable, str(script), str(tmp_path / "site"), kind]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout == "done\n", done.stderr
