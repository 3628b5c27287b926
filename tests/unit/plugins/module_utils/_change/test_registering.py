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
from ansible_collections.stackstorm.st2.plugins.module_utils._change.registering import Registering
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._change.telling import (
    Registration,
    Telling,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    ForbiddenError,
    InvalidContentError,
    RegistrationError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.executions import UnseenError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles, Registered, Resource
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.undo import take_snapshot
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)

OTHER = "2" * 40
BY = "api"
WHOLE = ("pack", "config", "overrides")


@pytest.fixture
def records(tmp_path):
    return Records(str(tmp_path / "state"))


def database(records, registrar, **how):
    return Database(lambda _deadline: (registrar, ()), Deadline(60), records, **how)


def registering(records, registrar, **how):
    return Registering(database(records, registrar, **how), Staging())


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


def tell(made, telling, host):
    """As a session does."""
    made.begin(telling, host.now)
    made.unload(telling)
    made.register(telling.register, host.now)
    made.commit(telling, host.now)


def test_what_is_told_is_void_until_all_is_done_and_known_from_then_on(records, host):
    one = host.put("sensu", "1.0.0")
    host.config("sensu", "a: 1\n")
    registrar = PretendedDatabase()
    made, telling = registering(records, registrar), Telling(register=(one,))
    made.begin(telling, host.now)
    assert records.read("sensu") == dict.fromkeys(WHOLE, Told("", BY))
    made.register(telling.register, host.now)
    made.commit(telling, host.now)
    assert records.read("sensu") == {
        "pack": Told(host.now.pack("sensu"), BY),
        "config": Told(host.now.config("sensu"), BY),
        "overrides": Told("none", BY),
    }
    assert database(records, registrar).pack("sensu", host.now.installation.get("sensu")).state == "current"


def test_a_pack_without_a_config_has_none_recorded(records, host):
    host.config("sensu", "a: 1\n")
    made, telling = registering(records, PretendedDatabase()), Telling(register=(host.put("sensu", "1.0.0"),))
    tell(made, telling, host)
    Path(host.configs_path, "sensu.yaml").unlink()
    tell(made, Telling(without_config=("sensu", "gone")), host)
    assert records.read("sensu")["config"] == Told("none", BY) and set(records.read("sensu")) == set(WHOLE)
    assert records.read("gone") == {}


def test_packs_that_are_told_alike_are_told_at_once(records, host):
    a, b = host.put("a", "1.0.0"), host.put("b", "1.0.0")
    registrar = PretendedDatabase()
    tell(registering(records, registrar), Telling(register=(a, b)), host)
    only = tuple(host.registration(ref, "config") for ref in ("a", "b"))
    tell(registering(records, registrar), Telling(register=(*only, host.put("c", "1.0.0"))), host)
    assert registrar.told() == [("register", ["a", "b"]), ("register", ["a", "b"]), ("register", ["c"])]
    assert registrar.seen[1:] == [(("config",), True), ((), True)]


def test_a_registration_in_part_leaves_the_rest_known_as_it_was(records, host):
    registrar = PretendedDatabase()
    tell(registering(records, registrar), Telling(register=(host.put("sensu", "1.0.0"),)), host)
    before = records.read("sensu")
    host.config("sensu", "a: 2\n")
    made, telling = registering(records, registrar), Telling(register=(host.registration("sensu", "config"),))
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
        tell(registering(records, registrar, types=types), Telling(register=(one,)), host)
    assert records.read("sensu")["pack"] == Told(host.now.pack("sensu"), BY, ("action", "rule"))
    for types in (["action"], ["rule"]):
        installed = host.now.installation.get("sensu")
        assert database(records, registrar, types=types).pack("sensu", installed).settled
    registrar.rows.clear()
    tell(registering(records, registrar), Telling(register=(host.registration("sensu", "rule"),)), host)
    assert records.read("sensu")["pack"].types == ("rule",), "the database had lost it"


def test_what_is_unloaded_has_no_record(records, host):
    registrar = PretendedDatabase()
    tell(registering(records, registrar), Telling(register=(host.put("sensu", "1.0.0"),)), host)
    tell(registering(records, registrar), Telling(unload=("sensu",)), host)
    assert records.read("sensu") == {} and registrar.rows == {}


def test_success_that_left_the_pack_in_the_database_is_an_error(records, host):
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": "1.0.0"}
    registrar.unload = lambda _refs: None
    with pytest.raises(RegistrationError, match="told to unload sensu and reported success, but its database has vers"):
        tell(registering(records, registrar), Telling(unload=("sensu",)), host)
    registrar.loses = True
    with pytest.raises(RegistrationError, match=r"told to register jira 1\.0\.0 .* has no such pack") as raised:
        tell(registering(records, registrar), Telling(register=(host.put("jira", "1.0.0"),)), host)
    assert raised.value.ref == "jira"


def test_a_pack_that_something_else_registered_is_learned_and_nothing_is_forgotten_for_that(records, host):
    host.put("sensu", "1.0.0")
    made = registering(records, PretendedDatabase())
    made.commit(Telling(known=("sensu",)), host.now)
    assert records.read("sensu") == {"pack": Told(host.now.pack("sensu"), BY)}
    records.write("sensu", {"pack": Told(OTHER, "elsewhere")})
    made.commit(Telling(known=("sensu",)), host.now)
    assert records.read("sensu") == {"pack": Told(OTHER, "elsewhere")}


def test_files_that_changed_without_telling_anybody_are_stale_for_whoever_tells_next(records, host):
    registrar = PretendedDatabase()
    tell(registering(records, registrar), Telling(register=(host.put("sensu", "1.0.0"),)), host)
    registering(records, NoRegistrar()).tell_nothing({"sensu": ("pack", "config")})
    known = database(records, registrar).pack("sensu", host.now.installation.get("sensu"))
    assert (known.state, known.settled) == ("stale", False)
    assert records.read("sensu")["overrides"] == Told("none", BY), "which did not change"


def test_a_deletion_that_fails_names_the_pack(records):
    registrar = PretendedDatabase()

    def refuse(_resource):
        raise RegistrationError("No.")

    registrar.delete = refuse
    with pytest.raises(RegistrationError) as raised:
        registering(records, registrar).delete([Resource("rules", "x", "sensu.x")])
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
    tell(registering(records, registrar), Telling(register=(host.put("sensu", "1.0.0"),)), host)
    before = records.read("sensu")
    registrar.refuses.add(("sensu", "1.1.0"))
    made = registering(records, registrar)
    told = refused(made, Telling(register=(host.put("sensu", "1.1.0"),)), host)
    host.put("sensu", "1.0.0")
    assert made.put_back(told, host.now) == ""
    assert made.astray == frozenset() and registrar.rows == {"sensu": "1.0.0"}
    assert records.read("sensu") == {**before, "pack": Told(host.now.pack("sensu"), BY)}


def test_what_an_account_may_not_do_has_not_begun_and_stays_known(records, host):
    registrar = PretendedDatabase()
    tell(registering(records, registrar), Telling(register=(host.put("sensu", "1.0.0"),)), host)
    before, calls = records.read("sensu"), registrar.told()

    def forbid(*_packs, **_how):
        raise ForbiddenError("You may not.")

    registrar.register = forbid
    made = registering(records, registrar)
    told = refused(made, Telling(register=(host.registration("sensu"),)), host)
    assert records.read("sensu")["pack"].digest == ""
    assert made.put_back(told, host.now) == ""
    assert records.read("sensu") == before and registrar.told() == calls


def test_what_goes_on_unseen_has_begun_and_is_told_anew(records, host):
    registrar = PretendedDatabase()
    tell(registering(records, registrar), Telling(register=(host.put("sensu", "1.0.0"),)), host)
    unload = registrar.unload

    def unload_unseen(refs):
        unload(refs)
        raise UnseenError("StackStorm has begun packs.unload. It goes on.")

    registrar.unload = unload_unseen
    made = registering(records, registrar)
    told = refused(made, Telling(unload=("sensu",)), host)
    # The files are where they were, so the database gets them again.
    assert made.put_back(told, host.now) == ""
    assert registrar.versions(["sensu"]) == {"sensu": "1.0.0"}


def test_what_could_not_be_put_back_is_astray_and_stays_void(records, host):
    registrar = PretendedDatabase()
    registrar.refuses = {("sensu", "1.0.0")}
    made = registering(records, registrar)
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
    assert registering(records, registrar).heal(told, host.now, before) == ""
    assert registrar.rows == {"sensu": "1.0.0", "old": "1.0.0"}, "what is not known to have come stays"
    assert records.read("sensu")["pack"].digest and records.read("gone") == {}


def test_healing_tells_no_more_than_was_told(records, host):
    registrar = PretendedDatabase()
    for ref in ("a", "b"):
        host.put(ref, "1.0.0")
    registrar.rows = {"a": "1.0.0", "b": "1.0.0"}
    assert registering(records, registrar).heal({"a": ("config",), "b": ("rule", "action")}, host.now) == ""
    assert registrar.seen == [(("config",), True), (("rule", "action"), True)]


def test_why_healing_failed_is_said_and_tried_again(records, host):
    registrar = PretendedDatabase()
    registrar.refuses.add(("sensu", "1.0.0"))
    host.put("sensu", "1.0.0")
    problem = registering(records, registrar).heal({"sensu": ()}, host.now)
    assert problem == "StackStorm refuses sensu 1.0.0: bad content."
    assert records.read("sensu") == {}
    assert registering(records, PretendedDatabase()).heal({"sensu": ()}, host.now) == ""


@pytest.mark.parametrize("known", [True, False], ids=["told by us", "told by others"])
def test_new_files_that_are_registered_in_part_are_not_what_the_old_ones_were(host, records, known):
    """Nor does the same task have anything to do again."""
    registrar = PretendedDatabase()
    registrar.register([host.put("sensu", "1.0.0").pack])
    if known:
        records.write("sensu", {"pack": Told(host.now.pack("sensu"), BY)})
    one = registering(records, registrar, types=["action"])
    telling = Telling(register=(host.registration("sensu", "action"),))
    one.begin(telling, host.now)
    host.put("sensu", "1.0.1")
    one.register(telling.register, host.now)
    one.commit(telling, host.now)
    assert records.read("sensu")["pack"] == Told(host.now.pack("sensu"), BY, ("action",))
    again = database(records, registrar, types=["action"]).pack("sensu", host.now.installation.get("sensu"))
    assert (again.state, again.settled) == ("stale", True)


@pytest.mark.parametrize("taken", [0, 1])
def test_a_config_that_was_left_out_of_what_was_put_back_is_not_known(records, host, taken):
    """What does not fit is left out, and only the count tells so."""
    registrar = PretendedDatabase("local", reads=False, unloads=False)
    host.put("sensu", "1.0.0")
    host.config("sensu", "a: text\n")
    true = registrar.register

    def register(packs, types=(), *, fail_on_failure=True):
        if fail_on_failure:
            raise InvalidContentError("No.")
        true(packs, types)
        return Registered({"configs": taken})

    registrar.register = register
    made = registering(records, registrar)
    assert made.heal({"sensu": ()}, host.now) == ""
    known = records.read("sensu").get("config")
    assert known == (Told(host.now.config("sensu"), "local") if taken else None)


def test_who_cannot_read_says_what_config_may_stay(records, host):
    registrar = PretendedDatabase("local", reads=False, unloads=False)
    host.put("sensu", "1.0.0")
    made, telling = registering(records, registrar), Telling(register=(host.registration("sensu", "config"),))
    made.prepare(telling, host.now)
    host.config("sensu", "a: 1\n")
    registrar.refuses.add(("sensu", "1.0.0"))
    told = refused(made, telling, host)
    Path(host.configs_path, "sensu.yaml").unlink()
    registrar.refuses.clear()
    assert made.put_back(told, host.now) == (
        " StackStorm's database keeps the config of sensu (if StackStorm accepted it, which only its API can tell)."
    )
