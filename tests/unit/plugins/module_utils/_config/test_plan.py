# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: a pure function of what is there and what is wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.known import KnownConfig
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import NO_CONFIG
from ansible_collections.stackstorm.st2.plugins.module_utils._change.telling import Registration
from ansible_collections.stackstorm.st2.plugins.module_utils._config.document import ConfigFile
from ansible_collections.stackstorm.st2.plugins.module_utils._config.observe import Observed
from ansible_collections.stackstorm.st2.plugins.module_utils._config.options import Attributes, ConfigOptions
from ansible_collections.stackstorm.st2.plugins.module_utils._config.plan import (
    RefusedConfig,
    plan_absent,
    plan_present,
    state_of,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._config.redaction import Redaction
from ansible_collections.stackstorm.st2.plugins.module_utils._content.config_schema import ConfigSchema
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ConfigError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.stale_config import open_schema

SCHEMA = ConfigSchema({"a": {"type": "integer", "required": True}, "b": {"type": "string"}})
FREE = ConfigSchema({"a": {"type": "integer"}})
PACK = PackFiles("sensu", "/packs/sensu")
PATH = "/configs/sensu.yaml"


def there(values, text=None, **more):
    text = "".join(f"{key}: {value}\n" for key, value in values.items()) if text is None else text
    known = {"mode": 0o640, "uid": 1, "gid": 2, **more}
    return ConfigFile(PATH, True, values, text, content=text.encode(), **known)


def seen(file=None, database=None, schema=SCHEMA, pack=PACK, why=None):
    database = database or KnownConfig("api", True, None)
    return Observed(file or ConfigFile(PATH), pack, schema, database, why_not_unload=why)


def present(observed, config, **options):
    return plan_present(observed, ConfigOptions("sensu", config=config, **options), Redaction(observed.schema))


def absent(observed):
    return plan_absent(observed, ConfigOptions("sensu", state="absent"), Redaction(observed.schema))


def told(plan):
    """What StackStorm is told: the packs that it lets go of, and the types of each that it registers."""
    return plan.telling.unload, [(one.pack.ref, one.types) for one in plan.telling.register]


@pytest.mark.parametrize(
    "file, database, action, register",
    [
        (None, None, "create", True),
        (there({"a": 1}), {"a": 1}, "none", False),
        (there({"a": 1}), {"a": 2}, "none", True),
        (there({"a": 1}), None, "none", True),
        (there({"a": 1}), {"a": True}, "none", True),
        (there({"a": 2}), {"a": 1}, "change", False),
        (there({"a": 2}), {"a": 2}, "change", True),
        (there({"a": 1}, mode=0o600), {"a": 1}, "attributes", False),
        (there({}, problem="It is broken."), {"a": 1}, "change", False),
    ],
)
def test_file_and_database_are_judged_each_by_itself(file, database, action, register):
    plan = present(seen(file, KnownConfig("api", True, database)), {"a": 1})
    assert (plan.action, plan.register, plan.state) == (action, register, "current")
    assert plan.changed is plan.acts is (action != "none" or register)
    assert plan.parts == ({"sensu": ("config",)} if action in ("create", "change") else {})
    assert told(plan) == ((), [("sensu", ("config",))] if register else [])
    assert plan.content == (b"a: 1\n" if action in ("create", "change") else b"")


@pytest.mark.parametrize(
    "recorded, digest, register", [("x", "x", False), ("x", "y", True), ("", "y", True), ("", "", True)]
)
def test_a_record_that_does_not_fit_is_a_stale_database(recorded, digest, register):
    plan = present(seen(there({"a": 1}), KnownConfig("local", False, None, recorded, digest)), {"a": 1})
    assert (plan.action, plan.register, plan.state) == ("none", register, "current")


def test_without_registrar_or_pack_nothing_is_registered():
    alone = present(seen(database=KnownConfig()), {"a": 1})
    homeless = present(seen(pack=None, schema=None), {"a": 1})
    assert [(plan.action, plan.register, plan.state) for plan in (alone, homeless)] == [
        ("create", False, "unknown"),
        ("create", False, "absent"),
    ]
    assert told(alone) == told(homeless) == ((), [])
    assert "not on this host" in homeless.warnings[0] and alone.warnings == ()


def test_owner_group_and_mode_are_left_open_or_compared():
    file = there({"a": 1})
    database = KnownConfig("api", True, {"a": 1})
    assert not present(seen(file, database), {"a": 1}, attributes=Attributes(0o640, -1, 2)).changed
    plan = present(seen(file, database), {"a": 1}, attributes=Attributes(0o640, 5, -1))
    assert (plan.action, plan.attributes) == ("attributes", Attributes(0o640, 5, 2))


def test_merge_puts_values_into_those_of_the_file():
    file = there({"a": 1, "b": "x"}, "a: 1 # one\nb: x\n")
    plan = present(seen(file), {"b": "y"}, merge="merge", secrets={"c": "z"})
    assert plan.content == b"a: 1 # one\nb: y\nc: z\n" and plan.values == {"a": 1, "b": "y", "c": "z"}
    assert plan.changes.as_dict() == {"added": ["c"], "removed": [], "changed": ["b"]}
    replaced = present(seen(file), {"a": 1})
    assert replaced.content == b"a: 1\n" and replaced.changes.removed == ("b",)


def test_what_stackstorm_would_refuse_is_refused_with_every_problem():
    with pytest.raises(RefusedConfig) as raised:
        present(seen(there({"b": 47110815}, "b: 47110815\n"), schema=SCHEMA), {"c": 1}, merge="merge")
    assert {problem.key for problem in raised.value.problems} == {"a", "b"}
    assert "47110815" not in raised.value.message and raised.value.ref == "sensu"


def test_a_broken_file_is_no_place_to_merge_into():
    with pytest.raises(ConfigError):
        present(seen(there({}, problem="It is broken.")), {"a": 1}, merge="merge")


def test_an_empty_config_is_for_schemas_that_allow_it():
    assert present(seen(schema=FREE), {}).content == b"{}\n"
    with pytest.raises(ConfigError):
        present(seen(schema=None), {})


def test_a_config_without_a_schema_is_warned_of():
    assert "no config schema" in present(seen(schema=None), {"a": 1}).warnings[0]


@pytest.mark.parametrize(
    "schema, database, why, clear, state",
    [
        (FREE, KnownConfig("api", True, {"a": 1}), None, "empty", "absent"),
        (SCHEMA, KnownConfig("api", True, {"a": 1}), None, "carrier", "absent"),
        (SCHEMA, KnownConfig("api", True, {"a": 1}), "rules are in the way", "carrier", "absent"),
        (None, KnownConfig("api", True, {"a": 1}), None, "empty", "absent"),
        (None, KnownConfig("local", False, None, "x", "x"), "no API", "empty", "absent"),
        (SCHEMA, KnownConfig("local", False, None, "x", "x"), "no API", "carrier", "absent"),
        (SCHEMA, KnownConfig("api", True, {}), None, "", "absent"),
        (SCHEMA, KnownConfig("api", True, None), None, "", "absent"),
        (SCHEMA, KnownConfig("local", False, None, "", ""), "no API", "", "unknown"),
        (SCHEMA, KnownConfig("local", False, None, NO_CONFIG, ""), "no API", "", "absent"),
        (SCHEMA, KnownConfig(), None, "", "unknown"),
    ],
)
def test_the_database_forgets_a_config_where_there_is_a_way(schema, database, why, clear, state):
    plan = absent(seen(there({"a": 1}), database, schema, why=why))
    assert (plan.action, plan.clear, plan.state) == ("remove", clear, state)
    assert plan.changes.removed == ("a",) and plan.values is None and plan.parts == {"sensu": ("config",)}
    assert plan.warnings == () and plan.telling.without_config == (("sensu",) if clear else ())
    told_of = Registration(PACK, ("config",))
    assert plan.telling.register == ((told_of,) if clear == "empty" else ())
    assert plan.telling.closing == ((told_of,) if clear == "carrier" else ()) and plan.telling.unload == ()


@pytest.mark.parametrize("database", [KnownConfig("api", True, {"a": 1}), KnownConfig("api", False, None, "x", "x")])
def test_a_pack_that_is_not_here_is_unloaded_where_nothing_is_lost(database):
    plan = absent(seen(there({"a": 1}), database, None, pack=None))
    assert (plan.clear, plan.state, plan.warnings, told(plan)) == ("unload", "absent", (), (("sensu",), []))
    kept = absent(seen(there({"a": 1}), database, None, pack=None, why="rules are in the way"))
    assert (kept.action, kept.clear, kept.state, told(kept)) == ("remove", "", "stale", ((), []))
    assert "keeps its config of sensu" in kept.warnings[0] and "rules are in the way" in kept.warnings[0]


def test_a_schema_that_only_the_database_has_is_opened_for_the_config():
    database = KnownConfig("api", True, {"a": 1})
    closed = replace(seen(there({"a": 1}), database, None), stored_schema={"a": {"type": "string"}})
    plan = present(closed, {"a": 1})
    assert (plan.opens, plan.changed, told(plan)[1]) == (closed.stored_schema, True, [("sensu", ("config",))])
    assert absent(closed).clear == "carrier"
    opened = replace(closed, stored_schema=open_schema(closed.stored_schema, {"a": 1}))
    assert not present(opened, {"a": 1}).changed and present(opened, {"a": 1, "b": 2}).opens is not None
    assert not present(seen(there({"a": 1}), database, None), {"a": 1}).changed


def test_nothing_there_is_nothing_to_do():
    assert not absent(seen()).changed and not absent(seen(database=KnownConfig())).changed


def test_a_file_that_is_gone_but_registered_is_a_change():
    plan = absent(seen(None, KnownConfig("api", True, {"a": 1}), FREE))
    assert (plan.action, plan.clear, plan.changed) == ("none", "empty", True)


@pytest.mark.parametrize(
    "database, values, state",
    [
        (KnownConfig(), {"a": 1}, "unknown"),
        (KnownConfig("api", True, {"a": 1}), {"a": 1}, "current"),
        (KnownConfig("api", True, {"a": 2}), {"a": 1}, "stale"),
        (KnownConfig("api", True, {"a": 1}), None, "stale"),
        (KnownConfig("api", True, None), {"a": 1}, "absent"),
        (KnownConfig("api", True, {}), {"a": 1}, "stale"),
        (KnownConfig("api", True, {}), {}, "current"),
        (KnownConfig("api", True, {}), None, "absent"),
        (KnownConfig("local", False, None, "", "x"), {"a": 1}, "unknown"),
        (KnownConfig("local", False, None, "x", "x"), {"a": 1}, "current"),
        (KnownConfig("local", False, None, "x", "y"), {"a": 1}, "stale"),
        (KnownConfig("local", False, None, "x", ""), None, "stale"),
        (KnownConfig("local", False, None, NO_CONFIG, "x"), {"a": 1}, "absent"),
    ],
)
def test_one_word_says_what_the_database_has(database, values, state):
    assert state_of(database, values) == state


def test_a_record_of_the_file_as_it_was_does_not_vouch_for_another_one():
    homeless = seen(there({"a": 1}), KnownConfig("local", False, None, "x", "x"), pack=None, schema=None)
    assert present(homeless, {"a": 1}).state == "current" and present(homeless, {"a": 2}).state == "stale"
