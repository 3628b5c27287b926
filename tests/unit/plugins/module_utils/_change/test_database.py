# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of packs, configs and overrides in the database, what it is told, and how it is put back."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.database import Database
from ansible_collections.stackstorm.st2.plugins.module_utils._change.on_disk import OnDisk
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records, Told
from ansible_collections.stackstorm.st2.plugins.module_utils._change.telling import (
    KnownConfig,
    KnownPack,
    Registration,
    Telling,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation, InstalledPack
from ansible_collections.stackstorm.st2.plugins.module_utils._content.working_copy import Head
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    ForbiddenError,
    RegistrationError,
    UnreachableError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles, Resource
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.undo import take_snapshot
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)

COMMIT, OTHER = "1" * 40, "2" * 40
BY = "api"
WHOLE = ("pack", "config", "overrides")


def installed(version="1.0.0"):
    return InstalledPack("sensu", "sensu", "/packs/sensu", "/packs/sensu", "/packs", version, Head(COMMIT, None))


@pytest.fixture
def records(tmp_path):
    return Records(str(tmp_path / "state"))


def database(records, registrar, **how):
    asked = []

    def choose(_deadline):
        asked.append(registrar)
        return registrar, ["said once"]

    made = Database(choose, Deadline(60), records, **how)
    made.asked = asked
    return made


def local():
    return PretendedDatabase("local", reads=False, unloads=False)


class Host:
    """The files of a host with packs, each known by its C(pack.yaml)."""

    def __init__(self, root, records):
        self.packs, self.configs_path, self.overrides_path = (
            str(root / name) for name in ("packs", "configs", "overrides")
        )
        for name in ("packs", "configs", "overrides"):
            (root / name).mkdir()
        self.root, self.records = root, records

    def put(self, ref, version):
        path = self.root / "packs" / ref
        path.mkdir(exist_ok=True)
        (path / "pack.yaml").write_text(f"ref: {ref}\nname: {ref}\nversion: {version}\n")
        return self.registration(ref)

    def registration(self, ref, *types):
        return Registration(PackFiles(ref, str(self.root / "packs" / ref)), types)

    def config(self, ref, text):
        Path(self.configs_path, f"{ref}.yaml").write_text(text)

    @property
    def now(self):
        return OnDisk(self, Installation([self.packs]), self.records)


@pytest.fixture
def host(tmp_path, records):
    return Host(tmp_path, records)


# What it has


@pytest.mark.parametrize(
    ("has", "told", "expected"),
    [
        ("1.0.0", Told(COMMIT, BY), "current"),
        ("1.0.0", None, "current"),  # registered by something else, in this version
        ("1.0.0", Told(OTHER, BY), "stale"),  # of the same version, other code
        ("1.0.0", Told("", BY), "stale"),  # under way, or not told of a change
        ("1.0.0", Told(COMMIT, BY, ("action",)), "stale"),  # only in part
        ("1.0.0", Told(COMMIT, BY, (), True), "unknown"),  # what could not be registered was left out
        ("0.9.0", Told(COMMIT, BY), "stale"),
        (None, Told(COMMIT, BY), "absent"),
        (None, None, "absent"),
    ],
)
def test_a_pack_that_is_there_and_a_database_that_can_be_asked(records, has, told, expected):
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": has} if has else {}
    records.write("sensu", {"pack": told})
    known = database(records, registrar).pack("sensu", installed())
    assert (known.tells, known.state, known.unloads, known.version) == (True, expected, True, has or "")
    assert known.settled == (expected == "current")


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (Told(COMMIT, "local"), "current"),
        (Told(OTHER, "local"), "stale"),
        (Told(COMMIT, "https://another/api"), "unknown"),
        (Told("", "https://another/api"), "stale"),
        (Told(), "stale"),
        (None, "unknown"),
    ],
)
def test_a_database_that_cannot_be_asked_is_known_by_the_record(records, told, state):
    records.write("sensu", {"pack": told})
    known = database(records, local()).pack("sensu", installed())
    assert (known.state, known.settled, known.unloads, known.version) == (state, state == "current", False, "")


@pytest.mark.parametrize(("has", "state", "settled"), [(None, "absent", True), ("1.0.0", "stale", False)])
def test_a_pack_that_is_not_there(records, has, state, settled):
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": has} if has else {}
    known = database(records, registrar).pack("sensu", None)
    assert (known.state, known.settled) == (state, settled)


def test_where_nobody_is_told_nothing_is_known(records):
    records.write("sensu", {"pack": Told(COMMIT, BY), "config": Told("x", BY)})
    made = database(records, NoRegistrar())
    assert made.pack("sensu", installed()) == KnownPack()
    assert made.config("sensu", "x") == KnownConfig()


@pytest.mark.parametrize(
    ("told", "how", "settled"),
    [
        (Told(COMMIT, BY, ("action",)), {"types": ["action"]}, True),
        (Told(COMMIT, BY, ("action", "rule")), {"types": ["action"]}, True),
        (Told(COMMIT, BY), {"types": ["action"]}, True),
        (Told(COMMIT, BY, ("action",)), {"types": ["rule"]}, False),
        (Told(OTHER, BY, ("action",)), {"types": ["action"]}, False),
        (Told(COMMIT, "elsewhere", ("action",)), {"types": ["action"]}, False),
        (Told(COMMIT, BY, (), True), {"fail_on_failure": False}, True),
        (Told(COMMIT, BY, (), True), {}, False),
    ],
)
@pytest.mark.parametrize("reads", [True, False])
def test_a_task_that_registers_less_than_everything_is_settled_when_it_has_done_that(
    records, told, how, settled, reads
):
    registrar = PretendedDatabase(reads=reads)
    registrar.rows = {"sensu": "1.0.0"}
    records.write("sensu", {"pack": told})
    assert database(records, registrar, **how).pack("sensu", installed()).settled is settled
    if reads:
        registrar.rows = {"sensu": "0.9.0"}
        assert not database(records, registrar, **how).pack("sensu", installed()).settled


@pytest.mark.parametrize(
    ("how", "becomes"), [({}, "current"), ({"types": ["action"]}, "stale"), ({"fail_on_failure": False}, "unknown")]
)
def test_what_a_registration_will_make_of_it(records, how, becomes):
    assert database(records, PretendedDatabase(), **how).pack("sensu", installed()).becomes == becomes


def test_many_packs_are_asked_for_at_once_and_the_registrar_is_chosen_once(records):
    registrar = PretendedDatabase()
    made = database(records, registrar)
    made.look(["sensu", "jira"])
    for ref in ("sensu", "jira", "sensu"):
        made.pack(ref, None)
    assert registrar.calls == [("versions", ["jira", "sensu"])]
    assert len(made.asked) == 1 and made.warnings == ["said once"]
    assert made.summary() == {"by": "api", "counts": {}, "overridden": {}}
    registrar.rows["sensu"] = "1.0.0"
    made.look_again(["sensu"])
    assert made.pack("sensu", None).version == "1.0.0"
    made.close()
    assert registrar.closed


def test_nobody_is_chosen_while_nothing_is_asked(records):
    made = database(records, PretendedDatabase())
    made.close()
    assert made.asked == [] and made.summary()["by"] is None


def test_surplus_is_what_has_no_file_and_was_not_made_by_hand(records, tmp_path):
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "here.yaml").touch()
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": "1.0.0"}
    gone = [
        Resource("actions", "gone", "sensu.gone", True, "actions/gone.yaml"),
        Resource("sensors", "Gone", "sensu.Gone", True, "sensors/gone.yaml"),
    ]
    kept = [
        Resource("actions", "here", "sensu.here", True, "actions/here.yaml"),
        Resource("rules", "by_hand", "sensu.by_hand", True, ""),
        Resource("sensors", "Off", "sensu.Off", False, "sensors/off.yaml"),
    ]
    registrar.stored = {"sensu": {one.ref: one for one in (*gone, *kept)}}
    known = database(records, registrar, prune=True).pack("sensu", installed(), str(tmp_path))
    assert known.surplus == tuple(gone)
    assert database(records, registrar).pack("sensu", installed(), str(tmp_path)).surplus == ()


def test_a_config_is_known_by_its_values_where_they_can_be_read_and_by_the_record_anyway(records):
    registrar = PretendedDatabase()
    registrar.configured = {"sensu": {"a": 1}}
    records.write("sensu", {"config": Told("d", BY)})
    assert database(records, registrar).config("sensu", "e") == KnownConfig("api", True, {"a": 1}, "d", "e")
    assert database(records, registrar).config("jira", "") == KnownConfig("api", True, None, "", "")
    records.write("sensu", {"config": Told("d", "elsewhere")})
    assert database(records, registrar).config("sensu", "e").recorded == "", "of another database"
    records.write("sensu", {"config": Told("d", "local")})
    assert database(records, local()).config("sensu", "e") == KnownConfig("local", False, None, "d", "e")


def test_a_config_that_may_not_be_read_is_a_warning_and_one_that_does_not_answer_an_error(records):
    registrar = PretendedDatabase()

    def refuse(_ref):
        raise ForbiddenError("You may not look.")

    registrar.config = refuse
    made = database(records, registrar)
    assert not made.config("sensu", "e").reads
    assert "You may not look." in made.warnings

    def silent(_ref):
        raise UnreachableError("Nobody there.")

    registrar.config = silent
    with pytest.raises(UnreachableError):
        made.config("sensu", "e")


@pytest.mark.parametrize(
    ("told", "known"),
    [
        (None, None),
        (Told("d", BY), True),
        (Told("e", BY), False),
        (Told("d", "elsewhere"), None),
        (Told("", "elsewhere"), False),
    ],
)
def test_overrides_are_known_by_the_record(records, told, known):
    records.write("sensu", {"overrides": told})
    assert database(records, PretendedDatabase()).overrides("sensu", "d") is known


def test_what_an_interrupted_run_was_telling_is_supposed_to_be_as_the_files_in_check_mode(records):
    records.write("sensu", dict.fromkeys(WHOLE, Told("", BY)))
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": "0.1.0"}
    made = database(records, registrar)
    made.suppose_healed({"sensu": ()})
    assert (made.pack("sensu", installed()).state, made.pack("sensu", None).state) == ("current", "absent")
    assert made.config("sensu", "d").recorded == "d" and made.overrides("sensu", "d") is True
    assert made.pack("jira", installed()).state == "absent"


# What it is told


def tell(made, telling, host):
    """As a session does."""
    made.begin(telling, host.now)
    made.unload(telling)
    made.register(telling.register, host.now)
    made.commit(telling, host.now)


def test_what_is_told_is_void_until_all_is_done_and_known_from_then_on(records, host):
    one = host.put("sensu", "1.0.0")
    host.config("sensu", "a: 1\n")
    made, telling = database(records, PretendedDatabase()), Telling(register=(one,))
    made.begin(telling, host.now)
    assert records.read("sensu") == dict.fromkeys(WHOLE, Told("", BY))
    made.register(telling.register, host.now)
    made.commit(telling, host.now)
    assert records.read("sensu") == {
        "pack": Told(host.now.pack("sensu"), BY),
        "config": Told(host.now.config("sensu"), BY),
        "overrides": Told("none", BY),
    }
    assert database(records, made.registrar).pack("sensu", host.now.installation.get("sensu")).state == "current"


def test_a_pack_without_a_config_has_none_recorded(records, host):
    host.config("sensu", "a: 1\n")
    made, telling = database(records, PretendedDatabase()), Telling(register=(host.put("sensu", "1.0.0"),))
    tell(made, telling, host)
    Path(host.configs_path, "sensu.yaml").unlink()
    tell(made, Telling(without_config=("sensu", "gone")), host)
    assert records.read("sensu")["config"] == Told("none", BY) and set(records.read("sensu")) == set(WHOLE)
    assert records.read("gone") == {}


def test_packs_that_are_told_alike_are_told_at_once(records, host):
    a, b = host.put("a", "1.0.0"), host.put("b", "1.0.0")
    registrar = PretendedDatabase()
    tell(database(records, registrar), Telling(register=(a, b)), host)
    only = tuple(host.registration(ref, "config") for ref in ("a", "b"))
    tell(database(records, registrar), Telling(register=(*only, host.put("c", "1.0.0"))), host)
    assert registrar.told() == [("register", ["a", "b"]), ("register", ["a", "b"]), ("register", ["c"])]
    assert registrar.seen[1:] == [(("config",), True), ((), True)]


def test_a_registration_in_part_leaves_the_rest_known_as_it_was(records, host):
    registrar = PretendedDatabase()
    tell(database(records, registrar), Telling(register=(host.put("sensu", "1.0.0"),)), host)
    before = records.read("sensu")
    host.config("sensu", "a: 2\n")
    made, telling = database(records, registrar), Telling(register=(host.registration("sensu", "config"),))
    made.begin(telling, host.now)
    assert records.read("sensu") == {**before, "config": Told("", BY)}, "what is not touched stays known"
    made.register(telling.register, host.now)
    made.commit(telling, host.now)
    assert records.read("sensu") == {**before, "config": Told(host.now.config("sensu"), BY)}


def test_what_was_registered_in_part_adds_up(records, host):
    registrar = PretendedDatabase()
    host.put("sensu", "1.0.0")
    for types in (["action"], ["rule"]):
        one = host.registration("sensu", *types)
        tell(database(records, registrar, types=types), Telling(register=(one,)), host)
    assert records.read("sensu")["pack"] == Told(host.now.pack("sensu"), BY, ("action", "rule"))
    for types in (["action"], ["rule"]):
        installed = host.now.installation.get("sensu")
        assert database(records, registrar, types=types).pack("sensu", installed).settled
    registrar.rows.clear()
    tell(database(records, registrar), Telling(register=(host.registration("sensu", "rule"),)), host)
    assert records.read("sensu")["pack"].types == ("rule",), "the database had lost it"


def test_what_is_unloaded_has_no_record(records, host):
    registrar = PretendedDatabase()
    tell(database(records, registrar), Telling(register=(host.put("sensu", "1.0.0"),)), host)
    tell(database(records, registrar), Telling(unload=("sensu",)), host)
    assert records.read("sensu") == {} and registrar.rows == {}


def test_success_that_left_the_pack_in_the_database_is_an_error(records, host):
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": "1.0.0"}
    registrar.unload = lambda _refs: None
    with pytest.raises(RegistrationError, match="told to unload sensu and reported success, but its database has vers"):
        tell(database(records, registrar), Telling(unload=("sensu",)), host)
    registrar.loses = True
    with pytest.raises(RegistrationError, match=r"told to register jira 1\.0\.0 .* has no such pack") as raised:
        tell(database(records, registrar), Telling(register=(host.put("jira", "1.0.0"),)), host)
    assert raised.value.ref == "jira"


def test_a_pack_that_something_else_registered_is_learned_and_nothing_is_forgotten_for_that(records, host):
    host.put("sensu", "1.0.0")
    made = database(records, PretendedDatabase())
    made.commit(Telling(known=("sensu",)), host.now)
    assert records.read("sensu") == {"pack": Told(host.now.pack("sensu"), BY)}
    records.write("sensu", {"pack": Told(OTHER, "elsewhere")})
    made.commit(Telling(known=("sensu",)), host.now)
    assert records.read("sensu") == {"pack": Told(OTHER, "elsewhere")}


def test_files_that_changed_without_telling_anybody_are_stale_for_whoever_tells_next(records, host):
    registrar = PretendedDatabase()
    tell(database(records, registrar), Telling(register=(host.put("sensu", "1.0.0"),)), host)
    database(records, NoRegistrar()).tell_nothing({"sensu": ("pack", "config")})
    known = database(records, registrar).pack("sensu", host.now.installation.get("sensu"))
    assert (known.state, known.settled) == ("stale", False)
    assert records.read("sensu")["overrides"] == Told("none", BY), "which did not change"


def test_a_deletion_that_fails_names_the_pack(records):
    registrar = PretendedDatabase()

    def refuse(_resource):
        raise RegistrationError("No.")

    registrar.delete = refuse
    with pytest.raises(RegistrationError) as raised:
        database(records, registrar).delete([Resource("rules", "x", "sensu.x")])
    assert raised.value.ref == "sensu"


# What is put back


def refused(made, telling, host):
    """Begin to tell, and fail; the types that were told."""
    made.begin(telling, host.now)
    with pytest.raises(RegistrationError):
        made.unload(telling)
        made.register(telling.register, host.now)
    return telling.types()


def test_what_was_refused_is_registered_as_the_files_are_again(records, host):
    registrar = PretendedDatabase()
    tell(database(records, registrar), Telling(register=(host.put("sensu", "1.0.0"),)), host)
    before = records.read("sensu")
    registrar.refuses.add(("sensu", "1.1.0"))
    made = database(records, registrar)
    told = refused(made, Telling(register=(host.put("sensu", "1.1.0"),)), host)
    host.put("sensu", "1.0.0")
    assert made.put_back(told, host.now) == ""
    assert made.astray == frozenset() and registrar.rows == {"sensu": "1.0.0"}
    assert records.read("sensu") == {**before, "pack": Told(host.now.pack("sensu"), BY)}


def test_what_an_account_may_not_do_has_not_begun_and_stays_known(records, host):
    registrar = PretendedDatabase()
    tell(database(records, registrar), Telling(register=(host.put("sensu", "1.0.0"),)), host)
    before, calls = records.read("sensu"), registrar.told()

    def forbid(*_packs, **_how):
        raise ForbiddenError("You may not.")

    registrar.register = forbid
    made = database(records, registrar)
    told = refused(made, Telling(register=(host.registration("sensu"),)), host)
    assert records.read("sensu")["pack"].digest == ""
    assert made.put_back(told, host.now) == ""
    assert records.read("sensu") == before and registrar.told() == calls


def test_what_could_not_be_put_back_is_astray_and_stays_void(records, host):
    registrar = PretendedDatabase()
    registrar.refuses = {("sensu", "1.0.0")}
    made = database(records, registrar)
    told = refused(made, Telling(register=(host.put("sensu", "1.0.0"),)), host)
    left = made.put_back(told, host.now)
    assert left.startswith(" StackStorm's database could not be put back, which the next run does: StackStorm refuses")
    assert made.astray == {"sensu"}
    assert records.read("sensu")["pack"] == Told("", BY)


def test_healing_registers_what_is_there_and_takes_out_what_came(records, host):
    registrar = PretendedDatabase()
    registrar.rows = {"old": "1.0.0"}
    before = take_snapshot(registrar, ["sensu", "gone"])
    registrar.rows["gone"] = "1.0.0"
    host.put("sensu", "1.0.0")
    told = {"sensu": (), "gone": (), "old": ()}
    records.write("gone", {"pack": Told("", BY)})
    assert database(records, registrar).heal(told, host.now, before) == ""
    assert registrar.rows == {"sensu": "1.0.0", "old": "1.0.0"}, "what is not known to have come stays"
    assert records.read("sensu")["pack"].digest and records.read("gone") == {}


def test_healing_tells_no_more_than_was_told(records, host):
    registrar = PretendedDatabase()
    for ref in ("a", "b"):
        host.put(ref, "1.0.0")
    registrar.rows = {"a": "1.0.0", "b": "1.0.0"}
    assert database(records, registrar).heal({"a": ("config",), "b": ("rule", "action")}, host.now) == ""
    assert registrar.seen == [(("config",), True), (("rule", "action"), True)]


def test_why_healing_failed_is_said_and_tried_again(records, host):
    registrar = PretendedDatabase()
    registrar.refuses.add(("sensu", "1.0.0"))
    host.put("sensu", "1.0.0")
    problem = database(records, registrar).heal({"sensu": ()}, host.now)
    assert problem == "StackStorm refuses sensu 1.0.0: bad content."
    assert records.read("sensu") == {}
    assert database(records, PretendedDatabase()).heal({"sensu": ()}, host.now) == ""
