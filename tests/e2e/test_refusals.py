# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals: what must not be installed is not, says why, and leaves the old pack whole."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from e2e.scene import Scene, only, warnings
from infrastructure.packs import PackTree, Quirk, quirks

BAD = quirks(valid=False)
GOOD = [entry for entry in quirks(valid=True) if entry.compatible]
UNFIT = [entry for entry in quirks(valid=True) if not entry.compatible]


def old_ref(entry: Quirk) -> str:
    return entry.name.replace("-", "_")


def request_for(scene: Scene, entry: Quirk) -> str:
    """Return a request for a repository with an ordinary release 0.9.0 and the quirk on top of it, tagged ``next``."""
    repository = scene.repository(old_ref(entry))
    repository.release(PackTree(old_ref(entry), "0.9.0", minimal=True))
    repository.commit(entry.tree())
    return f"file://{repository.tag('next').build().path}=next"


@pytest.mark.parametrize("share", range(2))
def test_every_bad_pack_is_refused(make_scene: t.Callable[[], Scene], share: int) -> None:
    """Two hosts at a time, since a whole run for each pack is most of what these tests cost."""
    scenes = [make_scene(), make_scene()]
    with ThreadPoolExecutor(len(scenes)) as pool:
        shares = [BAD[2 * share + number :: 4] for number in range(len(scenes))]
        assert list(pool.map(_not_refused, scenes, shares)) == [{}, {}]


def _not_refused(scene: Scene, entries: t.Sequence[Quirk]) -> t.Dict[str, t.Tuple[str, str]]:
    """Ask for packs whose old versions are there, one by one, and return those that were not refused properly."""
    requests = {entry.name: request_for(scene, entry) for entry in entries}
    for entry in entries:
        scene.host.place(PackTree(old_ref(entry), "0.9.0", minimal=True), old_ref(entry))
    before = scene.view()
    taken = {}
    for entry in entries:
        result = scene.run(requests[entry.name])
        row = only(result)
        told = result.failed and result["step"] == row["step"] == "validate" and "See msg of the task" in row["msg"]
        if not told or "Traceback" in result.everything or row["changed"] or result.changed:
            taken[entry.name] = (entry.reason, result["msg"])
    assert scene.moved(before) == [] and scene.debris() == []
    return taken


def test_every_good_pack_is_installed_as_it_is(scene: Scene) -> None:
    requests = {entry.name: request_for(scene, entry) for entry in GOOD}
    result = scene.change(*requests.values())
    assert scene.host.installed() == sorted(t.cast(str, entry.ref) for entry in GOOD)
    assert len(result["packs"]) == len(GOOD)
    tips = {repository.path.name: repository.head.sha for repository in scene.repositories}
    for entry in GOOD:
        head = scene.host.head(t.cast(str, entry.ref))
        assert head == tips[f"stackstorm-{old_ref(entry)}.git"], entry.name
    scene.satisfied(*requests.values())
    scene.keep(*requests.values(), verify="content")


@pytest.mark.parametrize("entry", UNFIT, ids=lambda entry: entry.name)
def test_a_pack_that_refuses_this_host_needs_force(scene: Scene, entry: Quirk) -> None:
    request = request_for(scene, entry)
    scene.host.place(PackTree(old_ref(entry), "0.9.0", minimal=True), old_ref(entry))
    refused = scene.refuse(request)
    assert refused["step"] == "validate" and "force" in refused["msg"]
    scene.change(request, force=True)
    assert scene.host.pack_version(old_ref(entry)) == "1.0.0"
    scene.satisfied(request)


def test_force_forces_nothing_else(scene: Scene) -> None:
    for name in ("climbing-link", "broken-action", "system-ref", "no-email"):
        (entry,) = (found for found in BAD if found.name == name)
        assert scene.refuse(request_for(scene, entry), force=True)["step"] == "validate"


def test_a_system_pack_is_never_replaced_or_removed(scene: Scene) -> None:
    scene.release("core", "4.0.0")
    replaced = scene.refuse(scene.url(scene.repositories[0]))
    assert "core" in replaced["msg"] and "StackStorm's own" in replaced["msg"]
    assert "StackStorm's own" in scene.refuse("core=4.0.0")["msg"]
    assert "never removed" in scene.refuse("core", "linux", state="absent", purge=True)["msg"]
    assert "never removed" in scene.refuse("packs", state="absent", dependencies="skip", force=True)["msg"]
    scene.satisfied("core", "linux", "chatops", "packs")


def test_the_pack_must_be_the_one_asked_for(scene: Scene) -> None:
    other = scene.release("other", "1.0.0", "2.0.0")
    scene.change("other=1.0.0")
    named = scene.refuse(packs=[{"name": "demo", "source": scene.url(other), "version": "2.0.0"}])
    assert named["step"] == "validate" and "demo was requested" in named["msg"] and "is other" in named["msg"]
    document = scene.index.documents["/v1/index.json"]["packs"]
    document["demo"] = document["other"]
    listed = scene.refuse("demo")
    assert "demo was requested" in listed["msg"] and only(listed)["ref"] == "demo"


def test_a_pack_that_changed_its_ref_is_another_pack(scene: Scene) -> None:
    repository = scene.repository("new_name")
    repository.release(PackTree("old_name", "1.0.0", minimal=True))
    repository.release(PackTree("new_name", "2.0.0", minimal=True))
    scene.publish()
    url = scene.url(repository)
    scene.change(f"{url}=1.0.0")
    scene.change(f"{url}=2.0.0")
    assert scene.host.installed() == ["new_name", "old_name"]
    assert "new_name was requested" in scene.refuse("new_name=1.0.0")["msg"]


def test_messages_name_file_and_line(scene: Scene) -> None:
    broken = "name: broken\nparameters:\n  a: [1\nrunner_type: x\n"
    for path in ("actions/broken.yaml", "config.schema.yaml"):
        repository = scene.repository(path.replace(".", "_").replace("/", "_"))
        repository.commit(PackTree("demo", "1.0.0", minimal=True).add(path, broken))
        message = scene.refuse(scene.url(repository.build()))["msg"]
        assert path in message and "line 4" in message, message


def test_one_bad_pack_stops_all_of_a_task(scene: Scene) -> None:
    scene.release("good", "1.0.0", "1.1.0")
    bad = scene.release("bad", "1.0.0")
    bad.commit(PackTree("bad", "1.1.0", minimal=True).link("out", "../../core"))
    bad.tag("v1.1.0")
    scene.publish()
    scene.change("good=1.0.0", "bad=1.0.0")
    refused = scene.refuse("good=1.1.0", "bad=1.1.0")
    rows = {row["ref"]: row for row in refused["packs"]}
    assert rows["bad"]["step"] == "validate" and "out -> ../../core" in refused["msg"]
    assert rows["good"]["step"] is None and rows["good"]["after"]["version"] == "1.0.0"
    assert "not done" in rows["good"]["msg"].lower()


def test_a_developers_link_is_not_replaced(scene: Scene, tmp_path: Path) -> None:
    scene.release("demo", "1.0.0", "1.1.0")
    work = PackTree("demo", "1.0.0", minimal=True).write(tmp_path / "work")
    (scene.host.packs / "demo").symlink_to(work)
    scene.satisfied("demo")
    assert "symbolic link" in scene.refuse("demo=1.1.0")["msg"]
    scene.change("demo", state="absent")
    assert scene.host.installed() == [] and (work / "pack.yaml").exists()
    assert warnings(scene.change("demo=1.1.0")) == []
