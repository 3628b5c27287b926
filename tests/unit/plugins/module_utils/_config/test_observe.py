# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is observed of the database, by whom it can be asked."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import RegisteredRecords
from ansible_collections.stackstorm.st2.plugins.module_utils._config.observe import Database, Observer
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ForbiddenError, InvalidPackError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Resource


class Asked:
    """A registrar that answers from what it is given."""

    name, by, reads, unloads = "api", "http://st2", True, True

    def __init__(self, config=None, rules=()):
        self.answer, self.rules = config, rules

    def config(self, ref):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def resources_of(self, refs, kinds):
        return self.rules


@pytest.fixture
def look(tmp_path):
    records = RegisteredRecords(str(tmp_path / "state"))
    (tmp_path / "configs").mkdir()
    (tmp_path / "pack").mkdir()

    def observer(registrar):
        return Observer(str(tmp_path / "configs"), lambda _ref: str(tmp_path / "pack"), registrar, records)

    observer.records, observer.root = records, tmp_path
    return observer


def test_a_database_that_reads_is_asked(look):
    assert look(Asked({"a": 1})).observe("sensu").database == Database("api", True, {"a": 1}, unloads=True)
    assert look(Asked(None)).observe("sensu").database.values is None


def test_one_that_does_not_let_look_is_known_by_the_record(look):
    (look.root / "configs" / "sensu.yaml").write_text("a: 1\n")
    digest = look.records.config_digest(str(look.root / "configs" / "sensu.yaml"))
    look.records.write("sensu", {"config": digest, "by": "http://st2"})
    observed = look(Asked(ForbiddenError("not for you"))).observe("sensu")
    assert observed.database == Database("api", False, None, digest, digest)
    assert observed.warnings == ("not for you",)


def test_a_record_of_another_database_says_nothing(look):
    (look.root / "configs" / "sensu.yaml").write_text("a: 1\n")
    look.records.write("sensu", {"config": "hmac-sha256:1", "by": "http://elsewhere"})
    registrar = Asked()
    registrar.reads = False
    assert look(registrar).observe("sensu").database.recorded == ""


def test_without_registration_nothing_is_known(look):
    registrar = Asked({"a": 1})
    registrar.name = "none"
    assert look(registrar).observe("sensu").database == Database()


def test_a_schema_that_stackstorm_refuses_is_raised_or_left_out(look):
    (look.root / "pack" / "config.schema.yaml").write_text("a:\n  type: text\n")
    with pytest.raises(InvalidPackError):
        look(Asked()).observe("sensu")
    observed = look(Asked()).observe("sensu", lenient=True)
    assert observed.schema is None and "refuses" in observed.warnings[0]


def test_a_pack_is_unloaded_only_when_nothing_is_lost(look):
    by_hand = Resource("rules", "mine", "sensu.mine")
    of_file = Resource("rules", "its", "sensu.its", metadata_file="rules/its.yaml")
    assert look(Asked(rules=[of_file])).may_unload("sensu") is None
    assert "mine" in look(Asked(rules=[of_file, by_hand])).may_unload("sensu")
    assert "its own packs" in look(Asked()).may_unload("core")
    registrar = Asked()
    registrar.unloads = False
    assert "API" in look(registrar).may_unload("sensu")
