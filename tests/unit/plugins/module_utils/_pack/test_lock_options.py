# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a task: handed over by the controller, or a file of the target."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import access_options, pack_options
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import lock_document, lock_text
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.lock_options import LockedDirectory, lock_options
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.options import options_from
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lock.locks import WHOLE
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import params as filled


def handed(**fields):
    given = {"name": "a.yml", "directory": "/site", "uploads": {"ours": "/tmp/x.tar"}, "lock": lock_document(WHOLE)}
    return json.dumps({**given, **fields})


def params(**given):
    nothing = dict.fromkeys(("name", "packs", "bundle"))
    return {**nothing, "locked": "strict", "lockfile": "a.yml", "lock": handed(), **given}


def test_a_lock_of_the_controller():
    found = lock_options(params(name=["sensu"]))
    assert found.lock == WHOLE._replace(packs=found.lock.packs) and set(found.lock.packs) == {"sensu", "ours"}
    assert found.lock_directories == {"ours": LockedDirectory("/site/packs/ours", "/tmp/x.tar")}
    assert (found.lockfile, found.lock_on_controller, found.lock_is_asked_for) == ("a.yml", True, False)


def test_a_lock_of_the_target(tmp_path):
    (tmp_path / "a.yml").write_text(lock_text(WHOLE))
    found = lock_options(params(lockfile=f"file://{tmp_path}/a.yml", lock=None))
    assert set(found.lock.packs) == {"sensu", "ours"} and not found.lock_on_controller
    assert found.lock_directories == {"ours": LockedDirectory(f"{tmp_path}/packs/ours")}


@pytest.mark.parametrize("lock", ["", "x", "[]", "{}", handed(uploads=5), json.dumps("x")])
def test_what_ansible_did_not_set(lock):
    with pytest.raises(OptionError, match="lock is set by Ansible"):
        lock_options(params(lock=lock))


def test_a_lock_that_is_none_is_refused():
    with pytest.raises(OptionError, match=r"a\.yml is not a valid lock"):
        lock_options(params(lock=handed(lock={"format": 1, "packs": {"x": {}}})))


def test_all_that_is_locked_becomes_requests():
    spec = pack_options().merge(access_options())
    options = options_from(filled(spec, lockfile="a.yml", lock=handed(), exclusive=True))
    assert [(one.name, one.requested, one.state) for one in options.requests] == [
        ("ours", "./packs/ours", "present"),
        ("sensu", "sensu", "present"),
    ]
    assert options.lock_is_asked_for
    with pytest.raises(OptionError, match="exclusive with an empty list"):
        options_from(filled(spec, packs=[], lockfile="a.yml", lock=handed(), exclusive=True))
    with pytest.raises(OptionError, match="would remove all locked packs"):
        options_from(filled(spec, lockfile="a.yml", lock=handed(), state="absent"))
