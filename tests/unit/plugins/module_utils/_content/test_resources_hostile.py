# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Content that means harm: what is far too long, and links in packs that are installed."""

from __future__ import annotations

import os
import shutil

import pytest
from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._content.resources import check_config_schema, read_content
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError


@pytest.fixture
def pack(tmp_path):
    return PackTree("demo", minimal=True).write(tmp_path / "packs" / "demo")


def test_of_a_long_key_only_the_beginning_is_shown(tmp_path):
    (tmp_path / "config.schema.yaml").write_text(f"{{? {'-x' * 50_000} : {{}}}}\n")
    with pytest.raises(InvalidPackError, match=r"'(-x){29}-\.\.\. \(line 1\)\. A key"):
        check_config_schema(str(tmp_path))


def test_of_a_long_runner_only_the_beginning_is_shown(pack):
    (pack / "actions" / "long.yaml").write_text(f"name: long\nrunner_type: {'r' * 5000}\n")
    (warning,) = (one for one in read_content(str(pack), "demo").warnings if "runner" in one)
    assert f"the runner {'r' * 60}, which" in warning


@pytest.mark.parametrize("name", ["actions/report.yaml", "actions", "requirements.txt"])
def test_what_a_link_leads_to_outside_is_not_read(pack, tmp_path, name):
    """Whoever may write into an installed pack would see in results what root may read."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.yaml").write_text("name: s3cret\nrunner_type: noop\n")
    (elsewhere / "words").write_text("s3cret\n")
    path = pack / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    os.symlink({"actions": elsewhere, "requirements.txt": elsewhere / "words"}.get(name, elsewhere / "x.yaml"), path)
    content = read_content(str(pack), "demo", strict=False)
    assert "s3cret" not in str(content)
    assert any(f"{name} is a link that leads out of the pack" in warning for warning in content.warnings)
