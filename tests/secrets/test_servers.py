# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets: they open doors, and show up nowhere: not in results, command lines, files, or at another server."""

from __future__ import annotations

import typing as t
from urllib.parse import quote

import pytest
from e2e.scene import INDEX, Scene, warnings
from infrastructure.ansible_run import ModuleResult, run_play
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.servers import Document, Faults, GitHttpsServer, IndexServer, PackageIndex, Proxy

CANARY = "c4n@ry/p4ss:w0rd"
FORMS = (CANARY, quote(CANARY), quote(CANARY, safe=""))


def lock(server: t.Any, username: str = "git") -> None:
    """Let a server ask for the user name and the canary from now on."""
    server.username, server.password = username, CANARY


def clean(scene: Scene, *results: ModuleResult, allowed: t.Collection[str] = ()) -> None:
    """Assert that no form of the canary is in a result, a command line, or a file of the scene."""
    texts = [result.everything for result in results] + scene.programs
    assert not [text for text in texts for form in FORMS if form in text]
    for path in scene.root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name not in allowed:
            content = path.read_bytes()
            assert not [form for form in FORMS if form.encode() in content], path


@pytest.fixture
def private(scene: Scene) -> GitRepository:
    """A pack behind a password; the index is open."""
    repository = scene.release("demo", "1.0.0", "1.1.0")
    lock(scene.git)
    return repository


def test_token_and_password_open_a_repository(scene: Scene, private: GitRepository) -> None:
    url = scene.url(private)
    refused = scene.refuse(url)
    assert "token" in refused["msg"] and refused["step"] == "fetch"
    by_token = scene.change(f"{url}=1.0.0", token=CANARY)
    lock(scene.git, "reader")
    # With an earlier release kept, going back would need no server.
    by_password = scene.change(f"{url}=1.1.0", username="reader", password=CANARY, keep_releases=0)
    wrong = scene.refuse(f"{url}=1.0.0", username="reader", password=CANARY + "x")
    by_name = scene.change("demo=1.0.0", username="reader", password=CANARY)
    assert scene.host.origin("demo") == url
    assert any(request.authenticated and request.status == 200 for request in scene.git.requests)
    scene.satisfied(url)
    clean(scene, refused, by_token, by_password, wrong, by_name)


def test_credentials_in_an_address_are_used_and_taken_out(scene: Scene, private: GitRepository) -> None:
    url = scene.url(private)
    secret = url.replace("://", f"://git:{quote(CANARY, safe='')}@")
    result = scene.change(f"{secret}=1.0.0")
    assert scene.host.origin("demo") == url and result["packs"][0]["source"] == url
    assert result["packs"][0]["requested"] == [f"{url}=1.0.0"] and "credentials" in warnings(result)[0]
    again = scene.satisfied(f"{secret}=1.0.0")
    failed = scene.refuse(packs=[{"source": secret, "version": "nope"}])
    clean(scene, result, again, failed)


def test_two_deploy_tokens_on_one_server_go_to_a_repository_each(scene: Scene) -> None:
    one, two = scene.release("one", "1.0.0"), scene.release("two", "1.0.0")
    right = f"reader:{quote(CANARY, safe='')}"
    for repository, other in ((one, two), (two, one)):
        lock(scene.git, "reader")
        scene.git.private = lambda path, name=repository.path.name[:-4]: name in path
        urls = [
            scene.url(repository).replace("://", f"://{right}@"),
            scene.url(other).replace("://", "://reader:another@"),
        ]
        result = scene.change(*urls, keep_releases=0)
        assert {ref for ref in ("one", "two") if scene.host.head(ref)} == {"one", "two"}
        clean(scene, result)
        scene.run("one", "two", state="absent")


def test_an_account_in_an_address_goes_with_the_token(scene: Scene, private: GitRepository) -> None:
    lock(scene.git, "acme")
    url = scene.url(private)
    result = scene.change(f"{url.replace('://', '://acme@')}=1.0.0", token=CANARY, username="somebody")
    assert scene.host.origin("demo") == url and not warnings(result)
    lock(scene.index, "acme")
    address = scene.index_url.replace("://", "://acme@")
    by_index = scene.change("demo=1.1.0", index_url=[address], username="acme", token=CANARY, keep_releases=0)
    lock(scene.git, "other")
    refused = scene.refuse(f"{url.replace('://', '://acme@')}=1.0.0", token=CANARY)
    assert "refuses the credentials" in refused["msg"] and "give token" not in refused["msg"]
    clean(scene, result, by_index, refused)


def test_credentials_in_an_index_entry_and_an_index_address(scene: Scene, private: GitRepository) -> None:
    entry = scene.index.documents[INDEX]["packs"]["demo"]
    entry["repo_url"] = entry["repo_url"].replace("://", f"://git:{quote(CANARY, safe='')}@")
    lock(scene.index, "reader")
    address = scene.index_url.replace("://", f"://reader:{quote(CANARY, safe='')}@")
    by_option = scene.change("demo=1.0.0", index_url=[address])
    assert scene.host.origin("demo") == scene.url(private)
    scene.host.configure("content", index_url=address)
    by_host = scene.change("demo=1.1.0", keep_releases=0)
    unknown = scene.refuse("nosuch")
    told = scene.run("demo", module="st2_pack_info", check_latest=True)
    assert told["packs"][0]["index_url"] == scene.index_url
    clean(scene, by_option, by_host, unknown, told, allowed=["st2.conf"])
    lock(scene.git, "somebody")
    entry["repo_url"] = scene.url(private)
    by_task = scene.refuse("demo=1.0.0", index_url=[scene.index_url], username="reader", password=CANARY)
    assert by_task["step"] == "fetch", "the index let it in"
    clean(scene, by_task, allowed=["st2.conf"])


def test_another_server_gets_nothing(scene: Scene, private: GitRepository) -> None:
    scene.git.username = None
    with GitHttpsServer(scene.served, scene.ca, "git", CANARY) as stranger:
        scene.git.faults = Faults(redirect_to=stranger.url)
        moved = scene.refuse(f"{scene.url(private)}=1.0.0", token=CANARY)
        assert stranger.requests and not any(request.authenticated for request in stranger.requests)
        scene.git.faults = Faults()
        stranger.clear()
        needy = scene.repository("needy")
        needy.release(PackTree("needy", minimal=True, dependencies=[scene.url(private, stranger.url)]))
        scene.publish()
        dependency = scene.refuse("needy", token=CANARY)
        assert stranger.requests and not any(request.authenticated for request in stranger.requests)
        stranger.clear()
        scene.change("needy", scene.url(private, stranger.url), token=CANARY)
        assert any(request.authenticated for request in stranger.requests), "a server that the task names is trusted"
        clean(scene, moved, dependency)


def test_an_index_that_redirects_takes_no_password_along(scene: Scene) -> None:
    scene.release("demo", "1.0.0")
    with IndexServer({INDEX: scene.index.documents[INDEX]}, scene.ca) as stranger:
        lock(scene.index)
        scene.index.documents[INDEX] = Document(redirect_to=f"{stranger.url}{INDEX}")
        result = scene.change("demo", index_url=[scene.index_url], token=CANARY)
        assert [request.authenticated for request in stranger.requests] == [False]
        assert scene.index.requests[-1].authenticated
        clean(scene, result)


def test_a_proxy_and_a_package_index_with_passwords(scene: Scene) -> None:
    repository = scene.repository("demo")
    repository.release(PackTree("demo", "1.0.0", requirements=["tinydep"]))
    scene.publish()
    packages = PackageIndex(scene.packages.directory, username="git", password=CANARY)
    with packages, Proxy("git", CANARY) as proxy:
        secret = f"git:{quote(CANARY, safe='')}"
        options: t.Dict[str, t.Any] = {
            "https_proxy": proxy.url.replace("://", f"://{secret}@"),
            "no_proxy": "",
            "virtualenv": "auto",
            "pip_index_url": packages.index_url.replace("://", f"://{secret}@"),
        }
        for backend in ("uv", "virtualenv"):
            result = scene.change("demo", virtualenv_backend=backend, **options)
            assert scene.host.virtualenv_imports("demo", "tinydep") == "2.0.0"
            scene.change("demo", state="absent", purge=True)
            clean(scene, result)
        assert f"127.0.0.1:{scene.git.port}" in proxy.destinations and packages.requests
        packages.password = "another"
        refused = scene.refuse("demo", **options)
        assert refused["step"] == "virtualenv"
        clean(scene, result, refused)


def test_nothing_shows_at_the_highest_verbosity(scene: Scene, private: GitRepository) -> None:
    secret = scene.url(private).replace("://", f"://git:{quote(CANARY, safe='')}@")
    common = {"st2_conf": str(scene.host.st2_conf), "ca_bundle": str(scene.ca.ca_file)}
    common.update(virtualenv="never", register="none")
    tasks = [
        {"stackstorm.st2.st2_pack": {"name": f"{scene.url(private)}=1.0.0", "token": "{{ canary }}", **common}},
        {"stackstorm.st2.st2_pack": {"name": f"{secret}=nope", **common}, "ignore_errors": True},
        {"stackstorm.st2.st2_pack": {"name": f"{secret}=1.1.0", **common}, "check_mode": True},
    ]
    variables = {"canary": CANARY}
    play = run_play(tasks, host=scene.host, env=scene.environment, variables=variables, arguments=["-vvvv", "--diff"])
    assert play.rc == 0 and play[0]["changed"] and play.tasks[1].outcome == "failed" and play[2]["changed"], play.stdout
    shown = play.stdout + play.stderr + str(play.tasks)
    # What a play says about its own arguments before a module runs is Ansible's; here only the others have a URL in it.
    assert not [form for form in FORMS if form in shown], [line for line in shown.splitlines() if "p4ss" in line][:3]
