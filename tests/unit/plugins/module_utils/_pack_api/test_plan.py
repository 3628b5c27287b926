# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: what each pack becomes, what must not be touched. Pure."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DependencyError, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack import report
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import State
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.observe import RegisteredPack
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.plan import (
    plan_absent,
    plan_of,
    plan_present,
    realised,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.request import ApiRequest
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.resolve import Target

PACKS = {
    "sensu": RegisteredPack("sensu", "Sensu", "1.0.1"),
    "app": RegisteredPack("app", "app", "1.0.0", ("o/stackstorm-sensu=v1.0.1", "core")),
    "core": RegisteredPack("core", "core", "3.9.0"),
}


def target(ref="sensu", version="1.0.2", spec="sensu=1.0.2", **more):
    return Target(ref, ref, (spec,), version, spec, **more)


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        (None, "1.0.2", "install"),
        ("1.0.1", "1.0.2", "upgrade"),
        ("1.9.0", "1.10.0", "upgrade"),
        ("1.0.2", "1.0.1", "downgrade"),
        ("1.0.2", "1.0.2-rc.1", "downgrade"),
        ("1.0.1", "", "replace"),
        ("", "1.0.1", "replace"),
    ],
)
def test_what_it_is_called(before, after, action):
    packs = {} if before is None else {"sensu": RegisteredPack("sensu", "Sensu", before)}
    (step,) = plan_present(packs, [target(version=after)], dependencies="install")
    assert (step.pack.action, step.spec, step.known, step.removes) == (action, "sensu=1.0.2", False, False)
    assert (step.pack.registration, step.pack.virtualenv, step.pack.changed) == ("register", "unknown", True)
    assert step.pack.database_state == "current", "afterwards"


def test_what_is_as_asked_has_nothing_to_do():
    (step,) = plan_present(PACKS, [target(version="1.0.1", spec="", dependencies=())], dependencies="install")
    assert (step.pack.action, step.spec, step.known, step.pack.changed) == ("none", "", True, False)
    assert step.pack.before == step.pack.after and step.pack.database_state == "current"


def test_an_installed_pack_that_needs_another_version():
    with pytest.raises(DependencyError) as caught:
        plan_present(PACKS, [target()], dependencies="install")
    assert "app 1.0.0 (installed) needs o/stackstorm-sensu=v1.0.1" in caught.value.message
    assert "sensu 1.0.2 is what this task installs" in caught.value.message and caught.value.ref == "sensu"
    assert plan_present(PACKS, [target()], dependencies="skip")
    assert plan_present(PACKS, [target(), target("app", "2.0.0", "app=2.0.0")], dependencies="install")
    # An unrelated pack is not kept from changing by what was wrong before.
    wrong = {**PACKS, "sensu": RegisteredPack("sensu", "Sensu", "5.0.0")}
    assert plan_present(wrong, [target("other", "1.0.0", "other=1.0.0")], dependencies="install")


def asked(ref, requested=None):
    return ApiRequest(requested or ref, ref, ref)


def test_what_goes_and_what_is_gone_already():
    steps = plan_absent(PACKS, [asked("app"), asked("gone"), asked("app", "app=1.0.0")], dependencies="install")
    assert [(step.ref, step.pack.action, step.spec, step.removes) for step in steps] == [
        ("app", "remove", "app", True),
        ("gone", "none", "", False),
    ]
    assert steps[0].pack.requested == ("app", "app=1.0.0") and steps[0].pack.registration == "unload"
    assert [step.pack.database_state for step in steps] == ["absent", "absent"]
    assert report.line(plan_of(steps)) == "app 1.0.0 -> absent"
    assert report.line(plan_of(steps[1:])) == "gone is not there"


def test_another_version_than_the_one_that_is_to_go_stays():
    packs = {"sensu": RegisteredPack("sensu", "Sensu", "1.0.2")}
    request = ApiRequest("sensu=1.0.1", "sensu", "sensu", "1.0.1")
    (step,) = plan_absent(packs, [request], dependencies="install")
    assert (step.spec, step.pack.action, step.pack.after) == ("", "none", State("1.0.2"))
    (step,) = plan_absent(packs, [request, ApiRequest("sensu", "sensu", "sensu")], dependencies="install")
    assert step.removes
    (step,) = plan_absent(packs, [ApiRequest("sensu=v1.0.2", "sensu", "sensu", "v1.0.2")], dependencies="install")
    assert step.removes


def test_a_pack_that_is_needed_does_not_go():
    with pytest.raises(DependencyError, match=r"app 1\.0\.0 needs sensu"):
        plan_absent(PACKS, [asked("sensu")], dependencies="check")
    assert len(plan_absent(PACKS, [asked("sensu"), asked("app")], dependencies="install")) == 2
    assert plan_absent(PACKS, [asked("sensu")], dependencies="skip")[0].removes


@pytest.mark.parametrize("ref", ["core", "packs", "linux", "chatops"])
def test_stackstorms_own_packs(ref):
    with pytest.raises(OptionError, match="never removed"):
        plan_absent(PACKS, [asked(ref)], dependencies="skip")
    with pytest.raises(OptionError, match="never replaced"):
        plan_present({}, [target(ref, "9.9.9", f"{ref}=9.9.9")], dependencies="skip")


def test_a_step_as_it_came_out():
    (step,) = plan_present({}, [target(version="", source="https://h/sensu")], dependencies="install")
    done = realised(step, RegisteredPack("sensu", "Sensu", "1.0.2"))
    assert (done.name, done.after.version, done.after.source) == ("Sensu", "1.0.2", "https://h/sensu")
    assert report.line(plan_of([step])) == "sensu absent -> what the source has"
    (gone,) = plan_absent(PACKS, [asked("app")], dependencies="install")
    assert realised(gone, None).after is None
