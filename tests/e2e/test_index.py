# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""st2_index over real git servers: created, changed and reduced; read by StackStorm's rules and by st2_pack."""

from __future__ import annotations

import gzip
import json
import subprocess
import typing as t
from pathlib import Path

import pytest
from e2e.index_keeper import Keeper
from e2e.scene import INDEX, Scene, warnings
from infrastructure.ansible_run import ModuleResult
from infrastructure.packs import PackTree, quirks
from infrastructure.repositories import GitRepository
from infrastructure.servers import Document, GitHttpsServer, GitSshServer
from infrastructure.servers.ssh_server import find_sshd
from infrastructure.signing import Signer

from ansible_collections.stackstorm.st2.plugins.plugin_utils.index_page import ASSETS, write_assets


@pytest.fixture
def keeper(scene: Scene) -> Keeper:
    return Keeper(scene)


def test_an_index_from_nothing_to_its_last_pack(keeper: Keeper) -> None:
    scene = keeper.scene
    dns, mail = scene.repository("acme_dns"), scene.repository("acme_mail")
    for repository, ref in ((dns, "acme_dns"), (mail, "acme_mail")):
        repository.release(PackTree(ref, "1.0.0"))
        repository.build()
    both = [scene.url(dns), scene.url(mail)]

    done = keeper.walk(packs=both)
    assert [(one["ref"], one["before"], one["after"]) for one in done["packs"]] == [
        ("acme_dns", None, "1.0.0"),
        ("acme_mail", None, "1.0.0"),
    ]
    assert done["packs"][0]["commit"] == dns.head.sha == keeper.index["packs"]["acme_dns"]["commit"]
    assert "acme_dns absent -> 1.0.0" in done["msg"] and "(2 packs, serial " in done["msg"]
    assert "+" not in done["diff"][0]["before"] and f"acme_dns 1.0.0 {dns.head.short}" in done["diff"][0]["after"]
    files = keeper.published()
    assert gzip.decompress(files["v1/index.json.gz"]) == files["v1/index.json"]
    assert {"v1/packs/acme_dns/pack.yaml", "v1/packs/acme_dns/actions/report.json", "v1/icons/acme_dns.png"} < set(
        files
    )
    assert keeper.by_stackstorm()["acme_dns"]["repo_url"] == scene.url(dns)
    first = keeper.index["metadata"]

    dns.release(PackTree("acme_dns", "1.1.0", minimal=True))
    dns.build()
    done = keeper.walk(packs=both)
    assert [(one["ref"], one["before"], one["after"]) for one in done["packs"]] == [("acme_dns", "1.0.0", "1.1.0")]
    assert keeper.index["packs"]["acme_dns"]["versions"] == ["1.1.0", "1.0.0"]
    assert "v1/icons/acme_dns.png" not in keeper.published(), "what the pack no longer has is gone"
    assert keeper.index["metadata"]["serial"] > first["serial"]
    assert keeper.index["metadata"]["generated_ts"] > first["generated_ts"]

    done = keeper.walk(packs=both[1:])
    assert [(one["ref"], one["before"], one["after"]) for one in done["packs"]] == [("acme_dns", "1.1.0", None)]
    assert not [path for path in keeper.published() if "acme_dns" in path]
    done = keeper.walk(packs=[])
    assert keeper.index["packs"] == {} and done["pack_count"] == 0
    assert set(keeper.published()) == {"v1/index.json", "v1/index.json.gz"}


def test_the_page_comes_changes_and_goes(keeper: Keeper) -> None:
    scene = keeper.scene
    dns, mail = scene.release("acme_dns", "1.0.0"), scene.release("acme_mail", "1.0.0")
    both = [scene.url(dns), scene.url(mail)]
    keeper.walk(packs=both)
    index = keeper.published()
    write_assets(str(scene.root / "page.tar"))
    page: t.Dict[str, t.Any] = {"page": True, "page_assets": str(scene.root / "page.tar")}

    (keeper.path / "packs").mkdir()
    assert "already contains packs, which this module did not create" in keeper.refuse(packs=both, **page)
    (keeper.path / "packs").rmdir()
    done = keeper.walk(packs=both, **page)
    assert done["packs"] == [] and "files written anew" in done["msg"]
    files = keeper.published()
    assert {path: files[path] for path in index} == index, "the index is what it was"
    assert {"index.html", "feed.xml", "packs/acme_dns/index.html", "packs/acme_mail/index.html"} < set(files)
    assert files["page/directory.js"] == (ASSETS / "directory.js").read_bytes()
    assert b"acme_mail 1.0.0 added" in files["feed.xml"]

    dns.release(PackTree("acme_dns", "1.1.0", minimal=True))
    dns.build()
    keeper.walk(packs=both[:1], **page)
    files = keeper.published()
    assert not [path for path in files if path.startswith("packs/acme_mail")]
    assert b"<title>acme_dns 1.1.0</title>" in files["feed.xml"] and b"acme_mail removed" in files["feed.xml"]
    assert b"st2 pack install acme_dns=1.1.0" in files["packs/acme_dns/index.html"]

    (keeper.path / "robots.txt").write_text("")
    keeper.walk(packs=both[:1])
    assert {path.partition("/")[0] for path in keeper.published()} == {"v1", "robots.txt"}


def test_a_second_run_asks_for_refs_only(keeper: Keeper) -> None:
    scene = keeper.scene
    urls = [scene.url(scene.release(f"pack_{number}", "1.0.0")) for number in range(3)]
    keeper.walk(packs=urls)
    scene.forget()
    assert not keeper.run(packs=urls).changed
    assert sorted(scene.git.fetches) == sorted(url.partition("//")[2].partition("/")[2] for url in urls)
    assert {line.split()[0] for line in scene.programs} == {"git"} and len(scene.programs) == len(urls)
    assert all("ls-remote" in line for line in scene.programs)


def test_st2_pack_installs_what_the_index_names_without_another_index(keeper: Keeper) -> None:
    """The way of the guide, from a repository to a name that resolves."""
    scene = keeper.scene
    own = scene.release("acme_dns", "1.0.0")
    keeper.walk(packs=[scene.url(own)])
    url = f"file://{keeper.path}/v1/index.json"
    scene.change("acme_dns", index_url=[url])
    assert scene.host.pack_version("acme_dns") == "1.0.0" and scene.host.head("acme_dns") == own.head.sha
    own.commit(PackTree("acme_dns", "2.0.0", minimal=True))
    own.build()
    keeper.walk(packs=[scene.url(own)], revision="branch")
    assert keeper.index["packs"]["acme_dns"]["version"] == "main"
    scene.change("acme_dns", state="latest", index_url=[url])
    assert scene.host.pack_version("acme_dns") == "2.0.0"


def test_private_and_public_packs_in_one(keeper: Keeper) -> None:
    scene = keeper.scene
    own = scene.repository("acme_dns")
    own.release(PackTree("acme_dns", "1.0.0", minimal=True))
    own.build()
    public = {
        "packs": {
            ref: {"ref": ref, "name": ref, "version": "9.0.0", "repo_url": f"https://h/{ref}", "versions": ["9.0.0"]}
            for ref in ("acme_dns", "sensu", "jira", "old")
        }
    }
    scene.index.documents[INDEX] = public
    merged: t.Dict[str, t.Any] = {"packs": [scene.url(own)], "index_url": [scene.index_url], "exclude": ["old"]}
    done = keeper.walk(**merged)
    assert {ref: one["version"] for ref, one in keeper.by_stackstorm().items()} == {
        "acme_dns": "1.0.0",
        "jira": "9.0.0",
        "sensu": "9.0.0",
    }
    assert done["shadowed"] == [
        {
            "ref": "acme_dns",
            "repo_url": scene.url(own),
            "index_url": scene.index_url,
            "other_repo_url": "https://h/acme_dns",
        }
    ]
    assert "Add it to exclude" in warnings(done)[0]
    assert warnings(keeper.run(**{**merged, "exclude": ["old", "acme_dns"]})) == []
    public["packs"]["sensu"]["version"] = "9.1.0"
    done = keeper.walk(**merged)
    assert [(one["ref"], one["after"], one["source"]) for one in done["packs"]] == [("sensu", "9.1.0", scene.index_url)]


@pytest.mark.parametrize(
    "document, said",
    [
        (Document(b"{}", hang=True), "unresponsive"),
        (Document(b" " * 1000 + b'{"packs": {}}', drip=0.05), "unresponsive"),
        (Document(b'{"packs": {}}', truncate=5), "unresponsive"),
        (Document(b"{}", filler=40 << 20), "larger than 16 MiB"),
        (Document(b"gone", 404), "HTTP status 404"),
        (Document(b"", redirect_to="file:///etc/passwd"), "not followed"),
        ("null", "got a null"),
        ("17", "got a number"),
        ({"packs": None}, "not a null"),
        ({}, "empty object"),
    ],
    ids=["hang", "drip", "cut", "huge", "404", "redirect", "null", "number", "packs null", "empty"],
)
def test_an_index_that_cannot_be_used_leaves_everything_published(keeper: Keeper, document: t.Any, said: str) -> None:
    scene = keeper.scene
    scene.index.documents[INDEX] = {"packs": {"a": {"ref": "a", "version": "1.0.0", "repo_url": "https://h/a"}}}
    keeper.walk(index_url=[scene.index_url], env={"SOURCE_DATE_EPOCH": "1234567890"})
    scene.index.documents[INDEX] = document
    message = keeper.refuse(index_url=[scene.index_url], timeout=2)
    assert scene.index_url in message and (said in message or "timeout of 2 s" in message)


def test_a_git_server_that_hangs_or_refuses(keeper: Keeper) -> None:
    scene = keeper.scene
    url = scene.url(scene.release("demo", "1.0.0"))
    keeper.walk(packs=[url])
    scene.git.faults.hang = True
    assert "timeout of 3 s" in keeper.refuse(packs=[url], timeout=3)
    scene.git.faults.hang = False
    scene.git.faults.status = 500
    assert url in keeper.refuse(packs=[url], on_invalid="skip")
    scene.git.faults.status = None
    assert not keeper.run(packs=[url]).changed


def test_credentials_reach_the_server_and_nothing_else(scene: Scene) -> None:
    keeper = Keeper(scene)
    repository = scene.repository("private")
    repository.release(PackTree("private", "1.0.0", minimal=True))
    repository.build()
    secret = "hunter22-canary"
    with GitHttpsServer(scene.served, scene.ca, "me", secret) as server:
        url = scene.url(repository, server.url)
        assert "give token, or username and password" in keeper.refuse(packs=[url])
        done = keeper.walk(packs=[url], username="me", password=secret)
        with_userinfo = url.replace("https://", f"https://me:{secret}@")
        again = keeper.run(packs=[with_userinfo])
        assert not again.failed and not again.changed
    assert keeper.index["packs"]["private"]["repo_url"] == url
    written = [path for path in keeper.place.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert written == [] and secret not in done.everything + again.everything
    assert (keeper.place / ".index.st2_index/cache").stat().st_mode & 0o777 == 0o700


def test_ssh(keeper: Keeper, tmp_path: Path) -> None:
    if find_sshd() is None:
        pytest.skip("sshd is missing: install openssh-server")
    scene = keeper.scene
    repository = scene.release("demo", "1.0.0")
    with GitSshServer(scene.served, tmp_path / "ssh") as server:
        url = scene.url(repository, server.url)
        keeper.walk(packs=[url], ssh_key_file=str(server.key_file), known_hosts_file=str(server.known_hosts_file))
        assert keeper.index["packs"]["demo"]["repo_url"] == url


def test_a_signed_index(keeper: Keeper, tmp_path: Path) -> None:
    scene = keeper.scene
    url = scene.url(scene.release("demo", "1.0.0"))
    key, other = tmp_path / "key", tmp_path / "other"
    for path in (key, other):
        subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", str(path)], check=True)

    def is_signed_by(signer: Path) -> bool:
        (tmp_path / "allowed").write_text(f"index {Path(f'{signer}.pub').read_text()}")
        signature = keeper.path / "v1/index.json.sig"
        command = ["ssh-keygen", "-Y", "verify", "-f", str(tmp_path / "allowed"), "-I", "index", "-n", "st2-index"]
        content = (keeper.path / "v1/index.json").read_bytes()
        done = subprocess.run([*command, "-s", str(signature)], input=content, capture_output=True, check=False)
        return done.returncode == 0

    keeper.walk(packs=[url])
    serial = keeper.index["metadata"]["serial"]
    done = keeper.run(packs=[url], sign_key=str(key))
    assert done.changed and "1 file written anew" in done["msg"] and is_signed_by(key)
    assert "index.json.sig" in done["diff"][0]["after"]
    before = keeper.disk()
    assert not keeper.run(packs=[url], sign_key=str(key)).changed and keeper.disk() == before
    assert not keeper.run(packs=[url], sign_key=str(key), check=True).changed
    assert keeper.run(packs=[url], sign_key=str(other)).changed and is_signed_by(other) and not is_signed_by(key)
    signature = (keeper.path / "v1/index.json.sig").read_bytes()
    (keeper.path / "v1/index.json.sig").write_bytes(signature.replace(b"A", b"B"))
    assert keeper.run(packs=[url], sign_key=str(other)).changed and is_signed_by(other)
    assert keeper.index["metadata"]["serial"] == serial, "the index says nothing new"
    assert keeper.run(packs=[url]).changed and not (keeper.path / "v1/index.json.sig").exists()
    assert "is not a file" in keeper.refuse(packs=[url], sign_key=str(tmp_path / "none"))


def test_what_is_merged_has_to_be_signed_by_whom_the_task_names(keeper: Keeper, tmp_path: Path) -> None:
    """One index is signed by st2_index, and read by st2_index for another one and by st2_pack for a host."""
    scene = keeper.scene
    url = scene.url(scene.release("demo", "1.0.0"))
    ours, theirs = Signer(tmp_path / "ours"), Signer(tmp_path / "theirs")
    keeper.walk(packs=[url], sign_key=str(ours.key_file))
    merged = {"path": str(tmp_path / "second"), "index_url": [f"file://{keeper.path}/v1/index.json"]}

    def second(*signers: str) -> ModuleResult:
        return scene.run(module="st2_index", host=None, index_allowed_signers=list(signers), **merged)

    refused = second(theirs.line)
    assert refused.failed and "untrusted" in refused["msg"] and not (tmp_path / "second").exists()
    assert second(theirs.line, ours.line).changed
    listed = json.loads((tmp_path / "second/v1/index.json").read_bytes())["packs"]["demo"]
    assert (listed["commit"], listed["digest"]) == tuple(
        keeper.index["packs"]["demo"][key] for key in ("commit", "digest")
    )
    asked = {"index_url": merged["index_url"], "virtualenv": "never", "index_allowed_signers": [theirs.line]}
    assert scene.run("demo", **asked).failed and not scene.host.pack_path("demo").exists()
    scene.change("demo", **{**asked, "index_allowed_signers": [ours.line]})
    assert scene.host.pack_version("demo") == "1.0.0"


def test_packs_that_cannot_be_listed(keeper: Keeper) -> None:
    scene = keeper.scene
    good = scene.url(scene.release("good", "1.0.0"))
    bad = scene.repository("bad")
    bad.release(PackTree("bad", "1.0.0", minimal=True))
    bad.build()
    keeper.walk(packs=[good, scene.url(bad)])
    tree = PackTree("bad", "1.1.0", minimal=True)
    tree.add("actions/report.yaml", "name: report\nrunner_type: [\n")
    bad.release(tree)
    bad.build()
    message = keeper.refuse(packs=[good, scene.url(bad)])
    assert "stackstorm-bad at version 1.1.0" in message and "actions/report.yaml" in message and "line" in message
    done = keeper.walk(packs=[good, scene.url(bad)], on_invalid="skip")
    assert list(keeper.index["packs"]) == ["good"]
    assert [(one["name"], one["ref"]) for one in done["left_out"]] == [(scene.url(bad), "bad")]
    assert "bad is left out" in warnings(done)[0]


def test_the_time_of_the_build_may_be_given(keeper: Keeper) -> None:
    url = keeper.scene.url(keeper.scene.release("demo", "1.0.0"))
    keeper.walk(packs=[url], env={"SOURCE_DATE_EPOCH": "1234567890"})
    assert keeper.index["metadata"]["generated_ts"] == 1234567890


def test_a_directory_of_somebody_else_is_taken_over(keeper: Keeper) -> None:
    url = keeper.scene.url(keeper.scene.release("demo", "1.0.0"))
    (keeper.path / "v1").mkdir(parents=True)
    (keeper.path / "v1/index.json").write_text('{"packs": {"older": {"version": "0.1.0"}}}')
    (keeper.path / "index.html").write_text("<p>packs</p>")
    done = keeper.walk(packs=[url])
    assert [(one["ref"], one["before"], one["after"]) for one in done["packs"]] == [
        ("demo", None, "1.0.0"),
        ("older", "0.1.0", None),
    ]
    assert keeper.path.is_symlink() and (keeper.path / "index.html").read_text() == "<p>packs</p>"


def test_every_quirk_is_published_and_read_back(keeper: Keeper) -> None:
    """Each as the Exchange would describe it, and by the versions and branches that StackStorm would install."""
    scene = keeper.scene
    urls = {}
    for quirk in quirks(valid=True):
        tree = quirk.tree()
        repository = GitRepository(scene.served / "quirks" / f"{quirk.name}.git")
        repository.path.parent.mkdir(exist_ok=True)
        repository.commit(tree)
        repository.build()
        repository.tag(f"v{repository.head.version or '1.0.0'}")
        repository.build()
        urls[quirk.ref] = f"{scene.git.url}/quirks/{quirk.name}.git"
    for revision in ("published", "tag", "branch"):
        result = keeper.run(packs=list(urls.values()), revision=revision)
        assert not result.failed, result["msg"]
        assert set(keeper.index["packs"]) == set(urls) == set(keeper.by_stackstorm())


def test_an_index_of_the_real_ones_size(keeper: Keeper) -> None:
    """As many packs and resources as the Exchange has: 170 packs, 10,000 actions, one of the packs with a third."""
    scene = keeper.scene
    own = scene.url(scene.release("acme_dns", "1.0.0"))
    entries = {}
    for number in range(170):
        ref = f"pack_{number:03}"
        names = [f"action.number_{action:04}" for action in range(3500 if number == 0 else 40)]
        entries[ref] = {
            "ref": ref,
            "name": f"Pack {number}",
            "description": "One of many packs, with a text of some length about what it is for.",
            "keywords": ["many", ref],
            "version": "1.10.0",
            "versions": [f"1.{minor}.0" for minor in range(10, 0, -1)],
            "repo_url": f"https://git.example.com/{ref}",
            "content": {"actions": {"count": len(names), "resources": names}},
        }
    scene.index.documents[INDEX] = {"metadata": {"generated_ts": 1, "hash": "x"}, "packs": entries}
    done = keeper.walk(packs=[own], index_url=[scene.index_url])
    assert done["pack_count"] == 171 and "166 more" in done["msg"]
    assert {ref: keeper.index["packs"][ref] for ref in entries} == entries
    assert len(keeper.by_stackstorm()) == 171
    entries["pack_007"]["version"] = "1.11.0"
    done = keeper.walk(packs=[own], index_url=[scene.index_url])
    assert [one["ref"] for one in done["packs"]] == ["pack_007"]


def test_entries_that_mean_harm(keeper: Keeper) -> None:
    scene = keeper.scene
    own = scene.url(scene.release("acme_dns", "1.0.0"))
    good = {"version": "1.0.0", "repo_url": "https://h/good"}
    scene.index.documents[INDEX] = {
        "packs": {
            "../../../escaped": good,
            "/etc/cron.d/x": good,
            "a\u0000b": good,
            "_global": good,
            "local": {**good, "repo_url": "/etc"},
            "option": {**good, "repo_url": "--upload-pack=touch /tmp/x"},
            "program": {**good, "repo_url": "ext::sh -c touch% /tmp/x"},
            "nothing": None,
            "secret": {**good, "repo_url": "https://me:hunter22@h/x"},
            "__proto__": {**good, "name": "</script><script>alert(1)</script>"},
        }
    }
    done = keeper.walk(packs=[own], index_url=[scene.index_url])
    assert set(keeper.by_stackstorm()) == {"acme_dns", "secret", "__proto__"}
    assert len(warnings(done)) == 8 and all("is left out" in one for one in warnings(done))
    assert {path.name for path in keeper.place.iterdir()} == {"index", ".index.st2_index"}
    assert not [path for path, content in keeper.published().items() if b"hunter22" in content or ".." in path]


def test_names_of_resources_that_mean_harm(keeper: Keeper) -> None:
    scene = keeper.scene
    repository = scene.repository("demo")
    tree = PackTree("demo", "1.0.0", minimal=True)
    names = ["../../../../escaped", "/etc/x", "Case", "case", ".hidden", "x" * 300, "with blanks, and a dot."]
    for number, name in enumerate(names):
        tree.add_yaml(f"actions/action_{number}.yaml", {"name": name, "runner_type": "noop"})
    repository.release(tree)
    repository.build()
    keeper.walk(packs=[scene.url(repository)])
    published = [path for path in keeper.published() if path.startswith("v1/packs/demo/actions/")]
    assert len(published) == len(names) + 1 and all(path.count("/") == 4 for path in published)
    assert sorted(keeper.index["packs"]["demo"]["content"]["actions"]["resources"]) == sorted([*names, "report"])
