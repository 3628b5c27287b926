# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options and observation to the plan: what needs no network, what is fetched, and in which order it happens."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import run_git
from infrastructure.snapshot import compare

from ansible_collections.stackstorm.st2.plugins.module_utils._change.session import View
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DependencyError, OptionError, SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack import stage
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.options import options_from
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.planner import PackPlanner
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import (
    Site,
    database_of,
    released,
)


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    root = tmp_path_factory.mktemp("site")
    site = Site(root, released("sensu", "1.0.1", "1.0.2"), released("free", "1.0.0"), packs_base_paths=["srv/packs"])
    site.publish(PackTree("middle", "1.0.0", minimal=True, dependencies=("sensu=1.0.1",)))
    site.publish(PackTree("top", "1.0.0", minimal=True, dependencies=("middle", "free", "core")))
    for one, other in (("yin", "yang"), ("yang", "yin")):
        site.publish(PackTree(one, "1.0.0", minimal=True, dependencies=(other,)))
    PackTree("local", "1.0.0", minimal=True).write(root / "local")
    site.run("sensu=1.0.1", str(root / "local"))
    site.keep()
    return site


@pytest.fixture
def site(kept):
    kept.restore()
    return kept


def planner(site, *names, staging=None, **given):
    """A planner as a run makes it, with the staging of check mode."""
    task = site.pack_task(*names, **{"virtualenv": "never", **given})
    options = options_from(task.params)
    return PackPlanner(
        View(task.host, staging or Staging(task.scratch)),
        options,
        database_of(task),
        base_path=options.base_path or task.host.system_packs_path,
        scratch=task.scratch,
        deadline=Deadline(60),
        environment=task.environment,
        redactor=task.redactor,
    )


def actions(plan):
    return [(pack.ref, pack.action) for pack in plan.packs]


# At rest


@pytest.mark.parametrize(
    "names, given, expected",
    [
        (["sensu"], {}, [("sensu", "none")]),
        (["sensu=1.0.1", "local"], {}, [("sensu", "none"), ("local", "none")]),
        (["sensu", "sensu=1.0.1"], {}, [("sensu", "none")]),
        (["core"], {"state": "latest"}, [("core", "none")]),
        (["absent"], {"state": "absent"}, [("absent", "none")]),
        (["sensu=1.0.2"], {}, None),
        (["sensu", "free"], {}, None),
        (["sensu"], {"state": "latest"}, None),
        (["sensu"], {"verify": "content"}, None),
        (["sensu"], {"state": "absent"}, None),
        (["sensu"], {"virtualenv": "always"}, None),
    ],
)
def test_what_is_known_without_network_and_programs(site, tmp_path, names, given, expected):
    nothing = {"PATH": str(tmp_path)}
    before = site.host.snapshot(identity=True)
    plan = planner(site, *names, environment=nothing, **given).at_rest()
    assert (plan and actions(plan)) == expected
    assert compare(before, site.host.snapshot(identity=True)) == ([], [], [])


def test_a_satisfied_pack_whose_dependency_is_missing_is_not_at_rest(site):
    site.run("middle", dependencies="skip")
    site.run("sensu", state="absent", dependencies="skip")
    assert planner(site, "middle").at_rest() is None
    assert actions(planner(site, "middle", dependencies="skip").at_rest()) == [("middle", "none")]


SATISFIED = """\
import sys, tempfile
sys.path[:0] = {path!r}
from ansible_collections.stackstorm.st2.plugins.module_utils import _argspec as spec
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack import converge_packs
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
options = spec.pack_options().merge(spec.access_options()).merge(spec.registration_options()).options
params = dict({{name: option.get("default") for name, option in options.items()}}, name={names!r}, virtualenv="never")
task = Task(params, read_host({conf!r}, {{}}), False, {{"HOME": {scratch!r}}}, {scratch!r}, Redactor())
result = converge_packs(task)
assert result.failure is None and not result.changed, result.msg
print(" ".join(sorted({{"yaml", "jsonschema", "requests", "semver", "subprocess_started"}} & set(sys.modules))))
"""


def test_a_satisfied_run_imports_no_library_that_is_not_pythons(site):
    code = SATISFIED.format(
        path=[path for path in sys.path if path],
        names=["sensu=1.0.1", "local"],
        conf=str(site.host.st2_conf),
        scratch=str(site.host.tmp),
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


# With what has to be fetched


def test_dependencies_come_before_what_needs_them_and_what_stays_before_all(site):
    plan = planner(site, "top").make()
    assert sorted(actions(plan)) == [("free", "install"), ("middle", "install"), ("top", "install")]
    order = [pack.ref for pack in plan.packs]
    assert order[-1] == "top"
    assert actions(planner(site, "sensu", "top").make())[0] == ("sensu", "none")


def test_a_circle_of_dependencies_is_gone_round_once(site):
    assert sorted(actions(planner(site, "yin").make())) == [("yang", "install"), ("yin", "install")]


def test_what_is_fetched_lies_in_staging_and_nowhere_else(site):
    before = site.host.snapshot(identity=True)
    staging = Staging(str(site.host.tmp / "elsewhere"))
    plan = planner(site, "sensu=1.0.2", staging=staging).make()
    (pack,) = plan.packs
    assert pack.candidate.staged.startswith(str(site.host.tmp / "elsewhere"))
    assert run_git("-C", pack.candidate.staged, "rev-parse", "HEAD") == site.sha("sensu", "v1.0.2")
    assert compare(before, site.host.snapshot(identity=True)) == ([], [], [])
    staging.clear()
    assert not os.path.exists(pack.candidate.staged)


def test_a_conflict_between_packs_names_both(site):
    with pytest.raises(DependencyError) as raised:
        planner(site, "middle", "sensu=1.0.2").make()
    assert "middle 1.0.0 needs sensu=1.0.1, but this task installs sensu 1.0.2" in raised.value.message


def test_dependencies_may_be_only_looked_at_or_left_out(site):
    with pytest.raises(DependencyError, match="Dependencies are missing: "):
        planner(site, "top", dependencies="check").make()
    assert actions(planner(site, "top", dependencies="skip").make()) == [("top", "install")]


def test_a_new_pack_goes_where_it_is_asked_to_and_an_old_one_stays(site):
    other = str(site.host.extra_base_paths[0])
    (pack,) = planner(site, "free", base_path=other).make().packs
    assert pack.base_path == other
    with pytest.raises(OptionError, match="Packs are not moved between base paths"):
        planner(site, "sensu=1.0.2", base_path=other).make()
    (pack,) = planner(site, "sensu=1.0.2").make().packs
    assert pack.base_path == str(site.host.packs)


# Edits


def test_edits_come_with_what_undoing_them_gives(site):
    (site.host.packs / "sensu" / "pack.yaml").write_text("ref: sensu\nname: Mine\nversion: 6.6.6\n")
    (pack,) = planner(site, "sensu", verify="content").make().packs
    assert (pack.action, pack.edits) == ("repair", ("edited pack.yaml",))
    assert (pack.before.version, pack.after.version, pack.name) == ("6.6.6", "1.0.1", "sensu")
    assert pack.remembered is not None and pack.remembered.version == "1.0.1"


def test_edits_of_what_stackstorm_installed_come_back_from_its_commit(site):
    site.host.install_like_st2(site.repositories["free"], "free")
    (site.host.packs / "free" / "pack.yaml").write_text("ref: free\nname: Mine\nversion: 6.6.6\n")
    (pack,) = planner(site, "free", verify="content").make().packs
    assert (pack.before.version, pack.after.version, pack.remembered) == ("6.6.6", "1.0.0", None)
    site.run("free", verify="content")
    assert site.host.pack_version("free") == "1.0.0"


def test_edits_of_a_plain_directory_are_seen_also_in_pack_yaml(site):
    (site.host.packs / "local" / "pack.yaml").write_text("ref: local\nname: Mine\nversion: 6.6.6\n")
    (pack,) = planner(site, "local", verify="content").make().packs
    assert (pack.action, pack.edits, pack.after.version) == ("repair", ("edited pack.yaml",), "1.0.0")
    assert pack.candidate is not None, "fetched anew from where it came from"


def test_edits_whose_source_is_gone_cannot_be_repaired(site):
    (site.host.packs / "local" / "new.txt").write_text("x")
    (site.root / "local").rename(site.root / "gone")
    try:
        with pytest.raises(SourceError, match=r"The pack directory \S+ does not exist"):
            planner(site, "local", verify="content").make()
    finally:
        (site.root / "gone").rename(site.root / "local")


def test_a_virtualenv_made_for_edited_requirements_is_made_again(site):
    (site.host.packs / "sensu" / "requirements.txt").write_text("other\n")
    site.place_virtualenv("sensu")
    (pack,) = planner(site, "sensu", virtualenv="auto").at_rest().packs
    assert (pack.action, pack.virtualenv) == ("none", "kept"), "right for what is there"
    (pack,) = planner(site, "sensu", verify="content", virtualenv="auto").make().packs
    assert (pack.action, pack.virtualenv) == ("repair", "rebuilt"), "and wrong for what comes back"


# Removal


def test_a_source_that_no_pack_came_from_is_nothing_to_remove(site):
    plan = planner(site, "https://git.example.com/org/repo", state="absent").at_rest()
    assert [(pack.action, pack.requested) for pack in plan.packs] == [("none", ("https://git.example.com/org/repo",))]


def test_a_pack_is_removed_by_its_source_in_any_spelling(site):
    path = str(site.repositories["sensu"].path)
    plan = planner(site, f"file://{path}", path, f"{path}/", "sensu", state="absent").make()
    assert actions(plan) == [("sensu", "remove")]
    assert plan.packs[0].requested == (f"file://{path}", path, f"{path}/", "sensu")


@pytest.mark.parametrize("policy", ["install", "check"])
def test_what_others_need_is_not_removed(site, policy):
    site.run("middle")
    with pytest.raises(DependencyError, match=r"middle 1\.0\.0 needs sensu"):
        planner(site, "sensu", state="absent", dependencies=policy).make()
    assert len(planner(site, "sensu", "middle", state="absent").make().packs) == 2
    assert actions(planner(site, "sensu", state="absent", dependencies="skip").make()) == [("sensu", "remove")]


@pytest.mark.parametrize("name", ["chatops", "core", "linux", "packs"])
def test_stackstorms_own_packs_are_never_removed(site, name):
    with pytest.raises(OptionError, match=f"{name} is one of StackStorm's own packs and is never removed"):
        planner(site, name, state="absent", dependencies="skip").at_rest()


# Tools


def test_the_tools_are_those_that_options_and_host_say(site, monkeypatch):
    staging = Staging(str(site.host.tmp))
    given = []
    monkeypatch.setattr(stage, "stage", lambda _plan, _packs, _virtualenvs, tools: given.append(tools) or [])
    made = planner(site, "sensu=1.0.2", keep_releases=7, group=str(os.getgid()), staging=staging)
    made.stage(made.make())
    assert (given[0].keep_releases, given[0].ownership.gid, made.warnings) == (7, os.getgid(), [])
    assert given[0].staging is staging
    site.host.configure("content", pack_group="nosuchgroup")
    try:
        made = planner(site, "sensu=1.0.2")
        made.make()
    finally:
        site.host.configure("content", pack_group=site.host.group)
    assert len(made.warnings) == 1 and "The group nosuchgroup" in made.warnings[0]


def test_warnings_of_what_was_found_are_gathered(tmp_path):
    site = Site(tmp_path, released("sensu", "1.0.1", "1.0.2"))
    repository = site.repositories["sensu"]
    repository.branch("1.0.1", repository.head)
    repository.build()
    made = planner(site, "sensu=1.0.1")
    assert made.warnings == []
    made.make()
    assert [("both a branch" in text, text.startswith("sensu: ")) for text in made.warnings] == [(True, True)]
