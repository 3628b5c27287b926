# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is observed of the database, by whom it can be asked."""

from __future__ import annotations

import pytest
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._change.database import Database
from ansible_collections.stackstorm.st2.plugins.module_utils._change.known import KnownConfig
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records, Told
from ansible_collections.stackstorm.st2.plugins.module_utils._change.session import undisturbed
from ansible_collections.stackstorm.st2.plugins.module_utils._config.observe import PackPlace, observe, why_not_unload
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ForbiddenError, InvalidPackError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
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

    def config_schema(self, _ref):
        return {"b": {"type": "string"}}

    def resources_of(self, _refs, kinds):
        assert "rules" in kinds and "actions" in kinds
        return self.rules


class Place:
    """A host with a config, a pack aside, and records."""

    def __init__(self, root):
        self.scratch = ScratchHost(root / "host")
        self.host = read_host(str(self.scratch.st2_conf), self.scratch.environment())
        self.records = Records(OwnPlaces(self.host).state)
        self.config = self.scratch.configs / "sensu.yaml"
        self.pack = root / "staged"
        self.pack.mkdir()

    def look(self, registrar, **how):
        """Observe, and return what is observed and what the database warns of."""
        database = Database(lambda _deadline: (registrar, ()), Deadline(60), self.records)
        view = undisturbed(self.host, str(self.scratch.tmp))
        found = observe(view, database, "sensu", PackPlace("/packs/sensu", str(self.pack)), **how)
        return found, database.warnings

    def known(self, registrar):
        return self.look(registrar)[0].database


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_a_database_that_reads_is_asked(place):
    assert place.known(Asked({"a": 1})) == KnownConfig("api", True, {"a": 1})
    assert place.known(Asked(None)).values is None


def test_one_that_does_not_let_look_is_known_by_the_record(place):
    place.config.write_text("a: 1\n")
    digest = place.records.config_digest(b"a: 1\n")
    place.records.write("sensu", {"config": Told(digest, "http://st2")})
    observed, warnings = place.look(Asked(ForbiddenError("not for you")))
    assert observed.database == KnownConfig("api", False, None, digest, digest)
    assert warnings == ["not for you"]


def test_a_record_of_another_database_says_nothing(place):
    place.config.write_text("a: 1\n")
    place.records.write("sensu", {"config": Told("hmac-sha256:1", "http://elsewhere")})
    registrar = Asked()
    registrar.reads = False
    assert place.known(registrar).recorded == ""


def test_without_registration_nothing_is_known(place):
    registrar = Asked({"a": 1})
    registrar.name = "none"
    assert place.known(registrar) == KnownConfig()


def test_the_pack_is_registered_from_where_it_will_be_and_read_where_it_is(place):
    (place.pack / "config.schema.yaml").write_text("a:\n  type: string\n")
    observed, _warnings = place.look(Asked())
    assert observed.pack.path == "/packs/sensu" and list(observed.schema.attributes) == ["a"]
    assert observed.schema.path == "/packs/sensu/config.schema.yaml", "for people"


def test_a_schema_that_stackstorm_refuses_is_raised_or_left_out(place):
    (place.pack / "config.schema.yaml").write_text("a:\n  type: text\n")
    with pytest.raises(InvalidPackError):
        place.look(Asked())
    observed, _warnings = place.look(Asked(), lenient=True)
    assert observed.schema is None and "refuses" in observed.warnings[0]


def test_a_pack_is_unloaded_only_when_nothing_is_lost():
    by_hand = Resource("rules", "mine", "sensu.mine")
    of_file = Resource("rules", "its", "sensu.its", metadata_file="rules/its.yaml")
    assert why_not_unload(Asked(rules=[of_file]), "sensu") is None
    assert "mine" in why_not_unload(Asked(rules=[of_file, by_hand]), "sensu")
    assert "its own packs" in why_not_unload(Asked(), "core")
    registrar = Asked()
    registrar.unloads = False
    assert "API" in why_not_unload(registrar, "sensu")
