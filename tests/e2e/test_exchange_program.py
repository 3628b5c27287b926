# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of an Exchange as a process: what it brings here, what it publishes, and what nothing may change."""

from __future__ import annotations

import os
import signal
import time
import typing as t

import pytest
import yaml
from e2e.exchange_host import ExchangeHost
from e2e.locks import LockFile
from e2e.scene import INDEX, Scene
from infrastructure.packs import PackTree
from infrastructure.servers import GitHttpsServer
from infrastructure.servers.index_server import Document
from infrastructure.signing import Signer

CANARY = "canary-of-the-upstream-server"


@pytest.fixture
def exchange(scene: Scene) -> t.Iterator[ExchangeHost]:
    host = ExchangeHost(scene)
    yield host
    host.stop()


def small(ref: str, version: str, **more: t.Any) -> PackTree:
    return PackTree(ref, version, minimal=True, **more)


def test_what_upstream_does(exchange: ExchangeHost, scene: Scene) -> None:
    one = scene.release("one", "1.0.0")
    two = scene.release("two", "1.0.0", "1.1.0")
    # A version that nobody can install is left out. Upstream it is there for good, so it makes no update fail.
    two.release(small("two", "2.0.0", metadata={"keywords": "no list"}))
    scene.publish()
    first = exchange.run("update", index_url=[scene.index_url])
    assert first.status == 0 and "Note: two 2.0.0" in first.told, first.told
    assert exchange.packs == {"one": "1.0.0", "two": "1.1.0"}
    entry = exchange.index["packs"]["one"]
    assert entry["repo_url"] == f"{exchange.url}/git/one.git" and entry["upstream"] == {"url": scene.url(one)}
    assert "Lint findings" in exchange.page("one") and scene.url(one) in exchange.page("one")

    # A second run fetches nothing and writes nothing.
    before = exchange.disk()
    scene.forget()
    again = exchange.run("update")
    assert again.status == 0 and "as it was" in again.told
    assert exchange.disk() == before
    assert scene.programs and not [line for line in scene.programs if " fetch " in line or " clone " in line]

    # A release, and a tag that is moved: the one is taken over, the other is not.
    one.release(small("one", "1.2.0"))
    one.tag("v1.0.0", one.commit(small("one", "1.0.0", metadata={"description": "another one"})))
    served = exchange.tag("one", "v1.0.0")
    scene.publish()
    moved = exchange.run("update")
    assert moved.status == 1 and "has moved the tag v1.0.0" in moved.told
    assert exchange.packs["one"] == "1.2.0" and exchange.tag("one", "v1.0.0") == served
    assert exchange.index["packs"]["one"]["upstream"]["moved_tags"] == ["v1.0.0"]
    assert "v1.0.0: moved there, served here as before" in exchange.page("one")
    assert "has moved the tag v1.0.0" in exchange.status("status")
    health = scene.run(module="st2_index_info", index_url=[f"{exchange.url}{INDEX}"], ca_bundle=None, host=None)
    assert [(row["kind"], row["ref"]) for row in health["problems"]] == [("upstream_moved_tag", "one")]
    assert not health["healthy"]

    # Upstream is gone: everything stays as it is, index and repositories.
    scene.index.documents[INDEX] = Document(hang=True)
    scene.git.faults.hang = True
    hung = exchange.run("update", timeout=2)
    assert hung.status == 1 and "What it listed last is used" in hung.told
    assert exchange.packs == {"one": "1.2.0", "two": "1.1.0"} and exchange.tag("one", "v1.0.0") == served
    assert "error" in exchange.index["packs"]["two"]["upstream"]


def test_packs_that_are_pushed(exchange: ExchangeHost, scene: Scene) -> None:
    scene.release("acme", "9.0.0")
    settings = {"index_url": [scene.index_url], "hosted": ["acme"], "packs": [f"{scene.git.url}/org/none"]}
    assert exchange.run("create", "acme", hosted=["acme"]).output == "acme: created\n"
    assert exchange.run("create", "acme").output == "acme: as it was\n"
    assert "only packs in hosted" in exchange.run("create", "other").told
    first = exchange.run("update", **settings)
    assert first.status == 1 and "acme is served from a repository on this host, and not from" in first.told
    assert exchange.packs == {} and "Nothing was pushed for acme yet" in exchange.status("acme")

    trigger = exchange.root / "triggers/pushed"
    exchange.push("acme", PackTree("acme", "1.0.0"))
    assert trigger.is_file(), "the hook asks for a build"
    built = exchange.run("build")
    assert not trigger.exists() and exchange.packs == {"acme": "1.0.0"}, built.told
    assert exchange.status("acme").startswith("acme 1.0.0 (")

    broken = PackTree("acme", "1.1.0")
    broken.add("actions/broken.py", "def run(:\n")
    exchange.push("acme", PackTree("acme", "1.0.0"), broken)
    refused = exchange.run("build")
    assert refused.status == 1 and exchange.packs == {"acme": "1.0.0"}
    assert exchange.index["packs"]["acme"]["versions"] == ["1.0.0"]
    assert "acme 1.1.0" in exchange.status("acme") and "actions/broken.py:1" in exchange.status("acme")
    assert "acme 1.1.0" in refused.told

    exchange.push("acme", PackTree("acme", "1.0.0"), broken, PackTree("acme", "1.1.1"))
    exchange.run("build")
    assert exchange.packs == {"acme": "1.1.1"} and exchange.index["packs"]["acme"]["versions"] == ["1.1.1", "1.0.0"]

    # What reads it: the resolver of this collection by the name, and git as StackStorm calls it.
    host_index = [f"{exchange.url}{INDEX}"]
    scene.change("acme", index_url=host_index, ca_bundle=None)
    assert scene.host.head("acme") == exchange.tag("acme", "v1.1.1")
    exchange.clone("acme", scene.root / "clone")
    assert (scene.root / "clone/pack.yaml").is_file()


def test_credentials_stay_where_they_are(exchange: ExchangeHost, scene: Scene) -> None:
    scene.release("one", "1.0.0")
    given = exchange.place / "credentials.d"
    given.mkdir()
    signer = Signer(given)
    with GitHttpsServer(scene.served, scene.ca, "reader", CANARY) as private:
        refused = exchange.run("update", packs=[f"{private.url}/org/stackstorm-one"])
        assert refused.status == 1 and exchange.packs == {} and "wants credentials" in refused.told
        listed = [{"url": f"{private.url}/org", "username": "reader", "password": CANARY}]
        (given / "credentials").write_text(yaml.safe_dump(listed))
        exchange.environment["CREDENTIALS_DIRECTORY"] = str(given)
        done = exchange.run("update", sign_key=signer.key_file.name)
    assert done.status == 0 and exchange.packs == {"one": "1.0.0"}, done.told
    assert CANARY not in done.told
    assert not [path for path in exchange.root.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    index_url = [f"{exchange.url}{INDEX}"]
    read = scene.run(module="st2_index_info", index_url=index_url, index_allowed_signers=[signer.line], host=None)
    assert read["indexes"][0]["signer"] and read["healthy"], read.everything


def test_a_bundle_is_all_that_there_is(exchange: ExchangeHost, scene: Scene) -> None:
    sensu = scene.release("sensu", "1.0.0", "2.0.0")
    lock = LockFile(scene).add(sensu, "1.0.0", "sensu").wheels("sensu", "six==1.16.0")
    bundle = exchange.place / "packs.bundle"
    given = {"lockfile": str(lock.write(exchange.place)), "path": str(bundle)}
    assert scene.run(module="st2_bundle", host=None, **given).changed
    scene.forget()
    filled = exchange.run("update", bundle=str(bundle))
    assert filled.status == 0, filled.told
    assert exchange.packs == {"sensu": "1.0.0"} and exchange.tag("sensu", "v1.0.0") == sensu.sha("v1.0.0")
    assert "six-1.16.0" in (exchange.root / "simple/six/index.html").read_text() and scene.quiet

    # A bundle that is broken, or gone, changes nothing of what is served.
    before = exchange.index
    bundle.write_bytes(bundle.read_bytes()[:-2000])
    for _again in range(2):
        broken = exchange.run("update")
        assert broken.status == 1 and "What is served is what it was" in broken.told
        assert exchange.index == before and (exchange.root / "simple/six/index.html").is_file()
        bundle.unlink(missing_ok=True)


def test_a_kill_leaves_what_was_served(exchange: ExchangeHost, scene: Scene) -> None:
    repository = scene.release("one", "1.0.0")
    assert exchange.run("update", index_url=[scene.index_url]).status == 0
    before = exchange.index
    repository.release(small("one", "2.0.0"))
    scene.publish()
    scene.release("two", "1.0.0")
    scene.git.faults.hang = True
    process = exchange.start("update")
    end = time.monotonic() + 60
    while scene.git.quiet and time.monotonic() < end:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert exchange.index == before and exchange.tag("one", "v1.0.0")
    scene.git.faults.hang = False
    assert exchange.run("update").status == 0
    assert exchange.packs == {"one": "2.0.0", "two": "1.0.0"}
    assert not list((exchange.root / "state").glob("scratch-*"))

    # Of a new index that cannot be read nobody knows that it lists less.
    moved = exchange.run("update", index_url=[f"{scene.index_url}-moved"])
    assert moved.status == 1 and "Nothing of it is known" in moved.told
    assert exchange.packs == {"one": "2.0.0", "two": "1.0.0"}
    exchange.settings["index_url"] = [scene.index_url]

    # What somebody has taken away is not left out without a word.
    (exchange.root / "git/two.git/HEAD").unlink()
    build = exchange.run("build", hosted=["gone"])
    assert build.status == 1 and exchange.packs == {"one": "2.0.0"}
    assert "two is left out" in build.told and "run the program with: create gone" in build.told
    (exchange.root / "state/listing.json").unlink()
    assert exchange.run("build").status == 2 and exchange.packs == {"one": "2.0.0"}


def test_what_is_wrong_is_said_at_once(exchange: ExchangeHost) -> None:
    wrong = exchange.run("update", unknown=1, mirror="yes", index_url="https://index.example.com")
    assert wrong.status == 2 and not wrong.output
    assert len(wrong.lines) == 1
    for word in ("There is no setting unknown", "mirror must be true or false", "index_url must be a list"):
        assert word in wrong.told
