# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of packs that go, by what the database has of them."""

from __future__ import annotations

from types import SimpleNamespace

from ansible_collections.stackstorm.st2.plugins.module_utils._change.known import KnownPack
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import Facts
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.removal import plan_removal
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.unloading import losses, made_by_hand
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Resource
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import PACKS, installed


def database(resources=(), rules=(), reads=True):
    registrar = SimpleNamespace(reads=reads, every=lambda kind: rules if kind == "rules" else ())
    return SimpleNamespace(registrar=registrar, resources=lambda ref, kinds: list(resources))


def going(**known):
    facts = Facts(known=KnownPack(tells=True, **known))
    return plan_removal("sensu", installed(), facts, requested=(), base_path=PACKS)


def test_what_people_made_and_rules_without_trigger_are_named():
    by_hand = [Resource("actions", f"a{number}", f"sensu.a{number}", pack="sensu") for number in range(7)]
    filed = Resource("rules", "on", "sensu.on", metadata_file="rules/on.yaml", pack="sensu")
    rules = [
        Resource("rules", "mine", "default.mine", pack="default", trigger="sensu.event"),
        Resource("rules", "other", "default.other", pack="default", trigger="core.st2.webhook"),
        Resource("rules", "own", "sensu.own", pack="sensu", trigger="sensu.event"),
    ]
    known = database([*by_hand, filed], rules)
    assert made_by_hand(known, "sensu") == "action a0, action a1, action a2, action a3, action a4 and 2 more"
    along, waiting = losses(known, [going(state="current", unloads=True)])
    assert "loses what people made in it by hand" in along and "action a0" in along
    assert "Rules use triggers of sensu: default.mine." in waiting


def test_what_stays_in_the_database_is_told():
    (text,) = losses(database(reads=False), [going(state="current")])
    assert "keeps what it has of sensu" in text and made_by_hand(database(reads=False), "sensu") == ""
    assert not losses(database(), [going(state="absent")])
