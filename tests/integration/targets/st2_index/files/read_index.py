# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints what is published in a directory: each pack of the index, and the packs of which there are files."""

from __future__ import annotations

import json
import pathlib
import sys

published = pathlib.Path(sys.argv[1], "v1")
index = published / "index.json"
for ref, entry in sorted(json.loads(index.read_text(encoding="utf-8"))["packs"].items() if index.exists() else ()):
    print("entry", ref, entry["version"], entry["commit"], entry["repo_url"])
for file in sorted(published.glob("packs/*/pack.yaml")):
    print("files", file.parent.name)
