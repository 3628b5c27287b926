# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests held against a lock: which pack each is, what else comes, and all that is wrong at once."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.request import (
    PackRequest,
    from_option,
    parse_spec,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    DependencyError,
    OptionError,
    SeveralErrors,
    St2Error,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.lock_options import LockedDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.locked import Locking
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.options import Options
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.resolution import Asked
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lock.locks import (
    digest,
    directory_pack,
    git_pack,
    lock_with,
)

MANY = "https://git.example.com/org/many.git"
LOCK = lock_with(
    git_pack(dependencies={"ours": "ours=0.1.0", "deep": "https://git.example.com/org/deep"}),
    git_pack("deep", requested=(), source="https://git.example.com/org/deep", dependencies={"sensu": "sensu"}),
    git_pack("jira", requested=("jira=1.0.2", "jira")),
    git_pack("one", source=MANY, requested=(MANY,), subdir="packs/one"),
    git_pack("two", source=MANY, requested=(MANY,), subdir="packs/two"),
    directory_pack(),
)
PLACES = {"ours": LockedDirectory("/site/packs/ours", "/tmp/ours.tar")}


def locking(warnings=None, **options):
    given = {"lock": LOCK, "lockfile": "packs.lock.yml", "lock_directories": PLACES, "lock_on_controller": True}
    return Locking(Options((), **{**given, **options}), [] if warnings is None else warnings)


def asked(*requests, latest=False):
    parsed = [parse_spec(one) if isinstance(one, str) else one for one in requests]
    return [Asked(request, latest=latest) for request in parsed]


def found(*requests, **options):
    """The refs of what requests come to, each with who asks."""
    return [(one.locked.ref, one.asker) for one in locking(**options).of_task(asked(*requests))]


def refusals(*requests, **options):
    with pytest.raises(St2Error) as caught:
        locking(**options).of_task(asked(*requests))
    error = caught.value
    return [one.message for one in (error.errors if isinstance(error, SeveralErrors) else (error,))]


def test_what_packs_depend_on_comes_from_the_lock_and_once():
    assert found("sensu", "jira") == [
        ("sensu", "the task"),
        ("jira", "the task"),
        ("ours", "sensu 1.0.2"),
        ("deep", "sensu 1.0.2"),
    ]
    for policy in ("check", "skip"):
        assert found("sensu", dependencies=policy) == [("sensu", "the task")]


def test_the_latest_is_what_is_locked():
    (one, *_others) = locking().of_task(asked("jira", latest=True))
    assert not one.latest and one.locked.commit == "a1" * 20 and one.request.requested == "jira"


@pytest.mark.parametrize(
    ("request_", "ref"),
    [
        ("jira=1.0.2", "jira"),
        ({"name": "jira", "version": "1.0.2"}, "jira"),
        ({"source": MANY, "subdir": "packs/one"}, "one"),
        ({"source": MANY, "subdir": "packs/two", "name": "two"}, "two"),
        (PackRequest("/site/packs/ours", source="/site/packs/ours", controller=True), "ours"),
        (PackRequest("/site", source="/site", subdir="packs/ours", controller=True, digest=digest("c")), "ours"),
    ],
)
def test_a_request_is_found_as_it_was_asked(request_, ref):
    assert found(from_option(request_) if isinstance(request_, dict) else request_)[0] == (ref, "the task")


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ("other", "other is asked for, and is not in the lock packs.lock.yml"),
        ("jira=2.0.0", "jira=2.0.0 is asked for, and the lock packs.lock.yml has jira as jira=1.0.2 and jira"),
        ("deep", "deep is asked for, and the lock packs.lock.yml has deep only as others depend on it"),
        ({"source": MANY}, f"{MANY} is asked for, and is not in the lock"),
        (
            {"source": MANY, "subdir": "packs/one", "name": "two"},
            "has two as https://git.example.com/org/many.git (sub",
        ),
        (PackRequest("/site/packs/ours", source="/site/packs/ours"), "/site/packs/ours is asked for, and is not in"),
        (
            PackRequest("/site/packs/ours", source="/site/packs/ours", controller=True, digest=digest("e")),
            f"/site/packs/ours has the digest {digest('e')}, and {digest('c')} in the lock packs.lock.yml",
        ),
    ],
)
def test_what_is_not_in_the_lock_or_asked_otherwise_is_refused_or_resolved(request_, said):
    request = from_option(request_) if isinstance(request_, dict) else request_
    (message,) = refusals(request)
    assert said in message and "Nothing was changed" in message
    warnings = []
    (one,) = locking(warnings, locked="prefer").of_task(asked(request))
    assert one.locked is None and said in warnings[0] and "it was resolved without the lock" in warnings[0]


def test_all_that_is_wrong_is_said_at_once():
    assert len(refusals("other", "jira", "jira=2.0.0", "deep")) == 3


def test_all_that_is_locked_is_asked_for_without_names():
    whole = [PackRequest(next(iter(pack.requested), ref), name=ref) for ref, pack in LOCK.packs.items()]
    assert found(*whole, lock_is_asked_for=True) == [(ref, "the task") for ref in LOCK.packs]


@pytest.mark.parametrize("text", ["deep", "https://git.example.com/org/deep.git", "https://else.example.com/org/deep"])
def test_a_dependency_of_what_is_not_locked_comes_from_the_lock(text):
    one = locking().of_dependency(Asked(parse_spec(text), "later 1.0.0"))
    assert one.locked.ref == "deep" and one.asker == "later 1.0.0"


def test_a_dependency_that_is_not_locked_is_refused_or_resolved():
    need = Asked(parse_spec("further=2"), "later 1.0.0")
    with pytest.raises(DependencyError, match=r"later 1.0.0 needs further=2, which is not in the lock"):
        locking().of_dependency(need)
    warnings = []
    assert locking(warnings, locked="prefer").of_dependency(need) == need and len(warnings) == 1


def test_all_installed_packs_are_no_request_for_a_lock():
    with pytest.raises(OptionError, match="Leave out name and packs"):
        locking().of_task([Asked(PackRequest("*", name="*"), latest=True)])
