# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs of tasks that demand signatures: what is refused, what is remembered, and what that costs."""

from __future__ import annotations

import json
import shutil

import pytest
from infrastructure.packs import PackTree, Tree
from infrastructure.repositories import run_git
from infrastructure.repositories.signed_objects import set_branch, set_tag, signed_commit, signed_tag
from infrastructure.signing import Signer, missing_program
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, St2Error
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import (
    STATE,
    Site,
    converge,
    released,
    row_of,
    told,
)

pytestmark = pytest.mark.skipif(bool(missing_program()), reason=missing_program())


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return Signer(tmp_path_factory.mktemp("signer"), "release@example.com")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Signer(tmp_path_factory.mktemp("stranger"), "stranger@example.com")


@pytest.fixture
def site(tmp_path, signer):
    """A host; of C(sensu) 1.0.1 and 1.0.2 are signed, and 1.0.3, the index's version, is not."""
    site = Site(tmp_path, released("sensu", "1.0.1", "1.0.2", "1.0.3"))
    for version in ("1.0.1", "1.0.2"):
        sign(site, "sensu", version, signer)
    return site


def sign(site, ref, version, signer, **more):
    def by(content):
        return signer.sign(content, "git")

    signed_tag(site.repositories[ref].path, f"v{version}", site.sha(ref, f"v{version}"), by, **more)


def by(*signers, **more):
    return {"allowed_signers": [one.line for one in signers], **more}


def receipt(site, ref):
    return json.loads((site.host.packs / STATE / "receipts" / f"{ref}.json").read_text())


def refused(site, *names, **options):
    """The message of a run that changes nothing, as check mode has foretold."""
    before = everything(site)
    messages = []
    for check in (True, False):
        outcome = site.run(*names, check=check, **options)
        assert outcome.failure is not None and not outcome.changed
        assert outcome.failure.step == "signature" or "wrong" in outcome.failure.message
        messages.append(outcome.failure.message)
        assert everything(site) == before
    assert messages[0] == messages[1]
    assert site.debris() == []
    return messages[0]


def everything(site):
    """What StackStorm sees, receipts and kept releases."""
    own = site.host.packs / STATE
    return site.files(), *(
        take_snapshot(own / name) if (own / name).exists() else {} for name in ("receipts", "releases")
    )


def away(site, ref="sensu"):
    """Let the repository of a pack answer nobody any more."""
    path = site.repositories[ref].path
    shutil.move(path, f"{path}.away")


@pytest.mark.parametrize("require", ["tag", "either"])
def test_a_signed_version_is_installed_and_satisfied(site, signer, require):
    done = converge(site, "sensu=1.0.2", verify_signature=by(signer, require=require))
    assert row_of(done)["signer"] == "release@example.com"
    assert list(receipt(site, "sensu")["signed"].values()) == ["release@example.com"]
    away(site)
    again = site.run("sensu=1.0.2", verify_signature=by(signer, require=require))
    assert (again.changed, row_of(again)["signer"]) == (False, "release@example.com")


def test_what_is_satisfied_needs_no_program(site, signer):
    site.run("sensu=1.0.2", verify_signature=by(signer))
    again = site.run("sensu=1.0.2", environment={"PATH": str(site.root)}, verify_signature=by(signer))
    assert (again.failure, again.changed, row_of(again)["action"]) == (None, False, "none")


def test_a_version_that_is_not_signed_is_refused(site, signer):
    message = refused(site, "sensu", verify_signature=by(signer))
    assert message.startswith(f"sensu 1.0.3 from {site.url('sensu')} is refused, as verify_signature asks for")
    assert "v1.0.3 is a lightweight one" in message and "is not signed" in message
    site.run("sensu=1.0.1", verify_signature=by(signer))
    refused(site, "sensu", state="latest", verify_signature=by(signer))
    assert site.host.pack_version("sensu") == "1.0.1"


def test_another_signer_is_refused(site, signer, stranger):
    message = refused(site, "sensu=1.0.2", verify_signature=by(stranger))
    assert "it is signed by the key SHA256:" in message and "which allowed_signers does not name" in message


def test_what_is_installed_is_verified_without_the_network_and_remembered(site, signer):
    site.run("sensu=1.0.2")
    away(site)
    done = converge(site, "sensu=1.0.2", verify_signature=by(signer))
    assert (done.changed, row_of(done)["action"], row_of(done)["signer"]) == (False, "adopt", "release@example.com")
    before = receipt(site, "sensu")
    assert before["resolved"]["name"] == "v1.0.2" and len(before["signed"]) == 1
    # Without the option, nobody is asked, and what is known is kept.
    assert "signer" not in row_of(converge(site, "sensu=1.0.2"))
    assert receipt(site, "sensu") == before


def test_what_is_installed_and_not_signed_is_not_accepted(site, signer):
    site.run("sensu")
    message = refused(site, "sensu", verify_signature=by(signer))
    assert message.startswith(f"sensu 1.0.3 from {site.url('sensu')}, which is installed, is refused")
    sign(site, "sensu", "1.0.3", signer)
    done = site.run("sensu", verify_signature=by(signer))
    assert (done.failure, done.changed, row_of(done)["action"]) == (None, False, "adopt"), "it was signed since"


def test_another_policy_is_asked_anew(site, signer, stranger):
    site.run("sensu=1.0.2", verify_signature=by(signer))
    message = refused(site, "sensu=1.0.2", verify_signature=by(stranger))
    assert "which allowed_signers does not name" in message
    refused(site, "sensu=1.0.2", verify_signature=by(signer, require="commit"))
    away(site)
    done = site.run("sensu=1.0.2", verify_signature=by(signer, stranger))
    assert (done.failure, row_of(done)["action"]) == (None, "adopt")
    assert len(receipt(site, "sensu")["signed"]) == 2


def test_what_stackstorm_installed_is_verified(site, signer):
    target = site.host.packs / "sensu"
    run_git("clone", "--quiet", site.url("sensu"), target)
    run_git("-C", target, "checkout", "--quiet", "-B", "main", "v1.0.2")
    predicted, done, again = (
        site.run("sensu", check=check, verify_signature=by(signer, require="tag")) for check in (True, False, False)
    )
    assert told(predicted) == told(done)
    assert (row_of(done)["action"], row_of(done)["signer"]) == ("adopt", "release@example.com")
    assert row_of(again)["action"] == "none"
    assert receipt(site, "sensu")["adopted"] is True


def test_going_back_to_a_kept_release(site, signer, stranger):
    site.run("sensu=1.0.1", verify_signature=by(signer))
    site.run("sensu=1.0.2", verify_signature=by(signer), keep_releases=3)
    away(site)
    done = converge(site, "sensu=1.0.1", verify_signature=by(signer), keep_releases=3)
    assert (row_of(done)["action"], row_of(done)["signer"]) == ("downgrade", "release@example.com")
    message = refused(site, "sensu=1.0.2", verify_signature=by(stranger), keep_releases=3)
    assert "which allowed_signers does not name" in message


def test_a_kept_release_of_which_nobody_knows_is_verified(site, signer):
    site.run("sensu=1.0.1")
    site.run("sensu=1.0.2", keep_releases=3)
    away(site)
    done = converge(site, "sensu=1.0.1", verify_signature=by(signer), keep_releases=3)
    assert row_of(done)["signer"] == "release@example.com"


def test_a_signed_tag_under_another_name(site, signer):
    old = site.sha("sensu", "v1.0.1")
    signed_tag(site.repositories["sensu"].path, "v9.0.0", old, lambda text: signer.sign(text, "git"), own_name="v1.0.1")
    message = refused(site, "sensu=9.0.0", verify_signature=by(signer))
    assert "The tag v9.0.0 is in truth the tag v1.0.1" in message


@pytest.mark.parametrize("require", ["tag", "commit", "either"])
def test_branches(site, signer, require):
    repository = site.repositories["sensu"]
    commit = signed_commit(repository.path, repository.sha("main"), lambda text: signer.sign(text, "git"))
    set_branch(repository.path, "main", commit)
    request, policy = f"{site.url('sensu')}=main", by(signer, require=require)
    if require == "tag":
        assert "which no tag says" in refused(site, request, verify_signature=policy)
        return
    done = converge(site, request, verify_signature=policy)
    assert (row_of(done)["after"]["commit"], row_of(done)["signer"]) == (commit, "release@example.com")


def test_dependencies_are_verified_too(site, signer):
    site.publish(*released("free", "1.0.0", dependencies=["sensu=1.0.3"]))
    sign(site, "free", "1.0.0", signer)
    message = refused(site, "free", verify_signature=by(signer))
    assert message.startswith("sensu 1.0.3 from ")
    done = site.run("free", verify_signature=by(signer), dependencies="skip")
    assert (done.failure, row_of(done, "free")["signer"]) == (None, "release@example.com")


def test_dependencies_that_are_there_are_verified_and_remembered(site, signer):
    site.publish(*released("free", "1.0.0", dependencies=["sensu=1.0.3"]))
    sign(site, "free", "1.0.0", signer)
    site.run("sensu")
    message = refused(site, "free", verify_signature=by(signer))
    assert message.startswith(f"sensu 1.0.3 from {site.url('sensu')}, which is installed, is refused")
    sign(site, "sensu", "1.0.3", signer)
    done = site.run("free", verify_signature=by(signer))
    assert done.failure is None
    assert {row["ref"]: (row["action"], row["signer"]) for row in done.rows} == {
        "free": ("install", "release@example.com"),
        "sensu": ("adopt", "release@example.com"),
    }
    away(site)
    away(site, "free")
    again = site.run("free", verify_signature=by(signer))
    assert (again.changed, {row["action"] for row in again.rows}) == (False, {"none"})
    assert {row["signer"] for row in again.rows} == {"release@example.com"}


def test_items_have_policies_of_their_own(site, signer, stranger):
    site.publish(*released("free", "1.0.0"))
    sign(site, "free", "1.0.0", stranger)
    items = [
        {"name": "sensu", "version": "1.0.2", "verify_signature": by(signer)},
        {"name": "free", "verify_signature": by(stranger, require="tag")},
    ]
    done = site.run(packs=items)
    assert done.failure is None
    assert {row["ref"]: row["signer"] for row in done.rows} == {"sensu": signer.name, "free": stranger.name}
    assert "sensu 1.0.2" in refused(site, packs=[{**items[0], "verify_signature": by(stranger)}, items[1]])
    done = site.run(packs=[items[1], {"name": "sensu"}])
    assert "signer" not in row_of(done) and row_of(done, "free")["signer"] == stranger.name
    done = site.run(packs=[items[1], {"name": "sensu"}], verify_signature=by(signer))
    assert {row["ref"]: row["signer"] for row in done.rows} == {"sensu": signer.name, "free": stranger.name}


def test_all_that_is_wrong_is_said_at_once(site, signer):
    site.publish(*released("free", "1.0.0"))
    message = refused(site, "free", "sensu", verify_signature=by(signer))
    assert "2 things are wrong: (1) free 1.0.0" in message and "(2) sensu 1.0.3" in message


def test_a_pack_in_a_directory_of_a_repository(site, signer):
    repository = site.repositories["sensu"]
    repository.commit(Tree().mount("packs/inner", PackTree("inner", "2.0.0", minimal=True)))
    repository.tag("v2.0.0")
    repository.build()
    request = [{"source": site.url("sensu"), "subdir": "packs/inner", "version": "v2.0.0"}]
    assert "v2.0.0 is a lightweight one" in refused(site, packs=request, verify_signature=by(signer))
    site.run(packs=request)
    sign(site, "sensu", "2.0.0", signer)
    done = site.run(packs=request, verify_signature=by(signer))
    assert (row_of(done, "inner")["action"], row_of(done, "inner")["signer"]) == ("adopt", signer.name)
    again = site.run(packs=request, verify_signature=by(signer), environment={"PATH": str(site.root)})
    assert (again.failure, row_of(again, "inner")["action"]) == (None, "none")


def test_directories_cannot_be_signed(site, signer, tmp_path):
    place = PackTree("local", "1.0.0", minimal=True).write(tmp_path / "local")
    with pytest.raises(OptionError, match="is a directory, which cannot be signed"):
        site.run(str(place), verify_signature=by(signer))
    site.run(str(place))
    message = refused(site, "local", verify_signature=by(signer))
    assert "local 1.0.0 is a directory, which cannot be signed" in message


def test_a_link_is_verified_each_time_and_nothing_is_remembered(site, signer, tmp_path):
    site.run("sensu=1.0.2")
    shutil.move(site.host.packs / "sensu", tmp_path / "mine")
    (site.host.packs / "sensu").symlink_to(tmp_path / "mine")
    before = take_snapshot(tmp_path / "mine")
    for _time in range(2):
        done = site.run("sensu", verify_signature=by(signer, require="tag"))
        assert (done.failure, done.changed, row_of(done)["action"], row_of(done)["signer"]) == (
            *(None, False, "none"),
            signer.name,
        )
    assert take_snapshot(tmp_path / "mine") == before


def test_stackstorms_own_packs_are_signed_by_nobody(site, signer):
    (site.host.packs / "core").mkdir(exist_ok=True)
    (site.host.packs / "core" / "pack.yaml").write_text("name: core\nversion: 3.9.0\nauthor: st2\nemail: a@b.c\n")
    done = site.run("core", verify_signature=by(signer))
    assert (done.failure, done.changed) == (None, False)


def test_a_pack_that_goes_need_not_be_signed(site, signer):
    site.run("sensu")
    assert converge(site, "sensu", state="absent", verify_signature=by(signer)).changed


def test_a_repair_remembers_who_signed(site, signer):
    site.run("sensu=1.0.2")
    (site.host.packs / "sensu" / "actions" / "report.py").write_text("edited")
    done = converge(site, "sensu=1.0.2", verify="content", verify_signature=by(signer))
    assert (row_of(done)["action"], row_of(done)["signer"]) == ("repair", signer.name)


def test_check_mode_tells_who_signed(site, signer):
    predicted = site.run("sensu=1.0.2", check=True, verify_signature=by(signer))
    assert told(predicted) == told(site.run("sensu=1.0.2", verify_signature=by(signer)))


def test_an_item_that_cannot_be_meant(site):
    packs = [{"name": name, "verify_signature": {"require": "tag"}} for name in ("sensu", "free")]
    with pytest.raises(St2Error, match=r"2 things are wrong: .* names nobody whose signature would count"):
        site.run(packs=packs)


def test_a_commit_behind_a_moved_tag(site, signer):
    """Who may push can move a tag, and cannot sign."""
    site.run("sensu=1.0.2", verify_signature=by(signer))
    set_tag(site.repositories["sensu"].path, "v1.0.2", site.sha("sensu", "v1.0.3"))
    assert not site.run("sensu=1.0.2", verify_signature=by(signer)).changed
    shutil.rmtree(site.host.packs / "sensu")
    assert "v1.0.2 is a lightweight one" in refused(site, "sensu=1.0.2", verify_signature=by(signer))


def test_what_came_from_a_branch_is_asked_for_by_its_tag(site, signer):
    site.run(f"{site.url('sensu')}=main")
    sign(site, "sensu", "1.0.3", signer)
    policy = by(signer, require="tag")
    assert "which no tag says" in refused(site, f"{site.url('sensu')}=main", verify_signature=policy)
    for _time in range(2):
        done = site.run("sensu=1.0.3", verify_signature=policy)
        assert (done.failure, done.changed, row_of(done)["signer"]) == (None, False, signer.name)
