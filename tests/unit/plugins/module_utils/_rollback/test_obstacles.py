# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a change from being gone back on, each in words."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.change_sets import (
    ChangeSet,
    Part,
    State,
    file_state,
    pack_state,
    tree_state,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._rollback.obstacles import obstacles

SALT = "00" * 16


@pytest.fixture
def host(tmp_path):
    """A pack that was replaced, its virtualenv and its config, with what is kept of them."""
    for name, version in (("packs/sensu", "1.0.2"), ("releases/0001/pack", "1.0.1")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "pack.yaml").write_text(f"ref: sensu\nversion: {version}\n")
    for name in ("virtualenvs/sensu", "changes/virtualenv/sensu", "changes/config", "configs"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("configs/sensu.yaml", "changes/config/sensu.yaml"):
        (tmp_path / name).write_text(f"where: {name}\n")
    return tmp_path


def change(host, *files):
    pack = [str(host / name) for name in ("packs/sensu", "releases/0001/pack")]
    virtualenv = [str(host / name) for name in ("virtualenvs/sensu", "changes/virtualenv/sensu")]
    config = [str(host / name) for name in ("configs/sensu.yaml", "changes/config/sensu.yaml")]
    parts = {
        "pack": Part("sensu", "pack", *pack, pack_state(pack[1], ""), pack_state(pack[0], "")),
        "virtualenv": Part("sensu", "virtualenv", *virtualenv, *map(tree_state, reversed(virtualenv))),
        "config": Part("sensu", "config", *config, *(file_state(path, SALT) for path in reversed(config))),
    }
    return ChangeSet("0007", "here", "", "none", "", SALT, tuple(parts[what] for what in files or parts))


def reasons(changes):
    return [one.text for one in obstacles(changes, str)]


def test_nothing_keeps_what_is_as_it_was_left(host):
    assert reasons(change(host)) == []


def test_all_is_said_at_once(host):
    changes = change(host)
    (host / "packs" / "sensu" / "pack.yaml").write_text("ref: sensu\nversion: 1.0.3\n")
    (host / "releases" / "0001" / "pack").rename(host / "elsewhere")
    (host / "changes" / "virtualenv" / "sensu").rmdir()
    (host / "configs" / "sensu.yaml").write_text("by: others\n")
    assert reasons(changes) == [
        f"{host}/packs/sensu is not as change 0007 left it: there is 1.0.3 now instead of 1.0.2.",
        f"The former sensu 1.0.1 is not kept any more: {host}/releases/0001/pack does not exist.",
        f"The former virtualenv of sensu is not kept any more: {host}/changes/virtualenv/sensu does not exist.",
        f"{host}/configs/sensu.yaml is not as change 0007 left it: something else changed it since.",
    ]


def test_a_virtualenv_alone_is_not_gone_back_on_once_it_is_another(host):
    alone, along = change(host, "virtualenv"), change(host, "pack", "virtualenv")
    (host / "virtualenvs" / "sensu").rename(host / "old")
    (host / "virtualenvs" / "sensu").mkdir()
    assert reasons(along) == [], "it belongs to its pack"
    assert len(reasons(alone)) == 1


def test_what_is_gone_or_new_is_named(host):
    changes = change(host, "config")
    (host / "configs" / "sensu.yaml").unlink()
    assert reasons(changes)[0].endswith("there is no config any more.")
    (part,) = changes.parts
    removed = changes._replace(parts=(part._replace(after=None),))
    assert reasons(removed) == []
    (host / "configs" / "sensu.yaml").write_text("new\n")
    assert reasons(removed)[0].endswith("there is a config now.")


def test_what_was_not_kept_is_said_so(host):
    changes = change(host, "pack")
    (part,) = changes.parts
    unkept = changes._replace(parts=(part._replace(kept=""),))
    assert reasons(unkept) == [
        "The former sensu 1.0.1 was not kept when it was replaced or removed (keep_releases=0, or purge)."
    ]
    new = changes._replace(parts=(part._replace(kept="", before=None),))
    assert reasons(new) == []


def test_a_release_that_was_edited_is_none(host):
    changes = change(host, "pack")
    (host / "releases" / "0001" / "pack" / "pack.yaml").write_text("ref: sensu\nversion: 1.0.0\n")
    assert "was changed where it is kept" in reasons(changes)[0]


def test_identities_of_files_are_salted(host):
    path = str(host / "configs" / "sensu.yaml")
    assert file_state(path, SALT) != file_state(path, "11" * 16) and file_state(f"{path}.none", SALT) is None
    assert State("", "1.0.1", "108d52b3c5").short == "1.0.1 108d52b"
