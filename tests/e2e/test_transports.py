# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transports and indexes: ssh, certificates, proxies; several indexes, some of which are not there."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from e2e.scene import INDEX, Scene, warnings
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, index_document
from infrastructure.servers import Document, GitHttpsServer, GitSshServer, IndexServer, Proxy
from infrastructure.servers.ssh_server import find_sshd


def test_ssh_with_a_deploy_key(scene: Scene, tmp_path: Path) -> None:
    if find_sshd() is None:
        pytest.skip("sshd is missing: install openssh-server")
    repository = scene.release("demo", "1.0.0", "1.1.0")
    with GitSshServer(scene.served, tmp_path / "ssh") as server:
        url = scene.url(repository, server.url)
        keys: t.Dict[str, t.Any] = {
            "ssh_key_file": str(server.key_file),
            "known_hosts_file": str(server.known_hosts_file),
        }
        assert "known_hosts_file" in scene.refuse(url, ssh_key_file=keys["ssh_key_file"])["msg"]
        wrong = {**keys, "known_hosts_file": str(server.wrong_known_hosts_file)}
        assert "host key" in scene.refuse(url, **wrong)["msg"]
        stranger = {**keys, "ssh_key_file": str(server.stranger_key_file)}
        assert f"refused the key {server.stranger_key_file} (ssh_key_file)" in scene.refuse(url, **stranger)["msg"]
        lost = {**keys, "ssh_key_file": str(server.key_file) + ".lost"}
        assert "there is no such file on the target" in scene.refuse(url, **lost)["msg"]
        scene.change(f"{url}=1.0.0", **keys)
        assert scene.host.head("demo") == repository.tags["v1.0.0"].sha and scene.host.origin("demo") == url
        connections = server.connections
        scene.satisfied(f"{url}=1.0.0", **keys)
        assert server.connections == connections
        scene.change(url, state="latest", **keys)
        assert scene.host.pack_version("demo") == "1.1.0" and set(server.fetches) == {"org/stackstorm-demo"}


def test_ssh_as_the_account_has_it(scene: Scene, tmp_path: Path) -> None:
    if find_sshd() is None:
        pytest.skip("sshd is missing: install openssh-server")
    repository = scene.release("demo", "1.0.0", "1.1.0")
    with GitSshServer(scene.served, tmp_path / "ssh") as server:
        url = scene.url(repository, server.url)
        scene.change(f"{url}=1.0.0", env={"GIT_SSH_COMMAND": server.client_command()})
        config = Path(scene.host.environment()["HOME"]) / ".gitconfig"
        config.write_text(f'[core]\n\tsshCommand = "{server.client_command()}"\n')
        scene.change(f"{url}=1.1.0", keep_releases=0)
        assert scene.host.pack_version("demo") == "1.1.0"


def test_an_unknown_certificate_is_refused_by_git_and_index(scene: Scene) -> None:
    repository = scene.release("demo", "1.0.0")
    by_name = scene.refuse("demo", ca_bundle=None)
    assert by_name["step"] == "index" and "certificate" in by_name["msg"].lower()
    by_address = scene.refuse(scene.url(repository), ca_bundle=None)
    assert by_address["step"] == "fetch" and "ca_bundle" in by_address["msg"]
    missing = scene.refuse("demo", ca_bundle=str(scene.root / "nothing.pem"))
    assert "nothing.pem" in missing["msg"]


@pytest.mark.parametrize("place", ["options", "service", "config", "environment"])
def test_a_proxy_stands_between(scene: Scene, place: str) -> None:
    repository = scene.release("demo", "1.0.0")
    with Proxy("me", "pw", {"github.com:443": ("127.0.0.1", scene.git.port)}) as proxy:
        settings = {"https_proxy": proxy.authenticated_url}
        arguments: t.Dict[str, t.Any] = settings if place == "options" else {}
        if place == "service":
            scene.host.set_service_environment(proxy_ca_bundle_path=str(scene.ca.ca_file), **settings)
            arguments = {"ca_bundle": None}
        elif place == "config":
            config = f"https_proxy: {proxy.authenticated_url}\nproxy_ca_bundle_path: {scene.ca.ca_file}\n"
            (scene.host.configs / "packs.yaml").write_text(config)
            arguments = {"ca_bundle": None, "env": {"HTTPS_PROXY": "http://127.0.0.1:9/"}}
        elif place == "environment":
            arguments = {"env": {"HTTPS_PROXY": proxy.authenticated_url}}
        result = scene.change("org/stackstorm-demo", **arguments)
        assert scene.host.origin("demo") == "https://github.com/org/stackstorm-demo"
        assert scene.host.head("demo") == repository.head.sha and set(proxy.destinations) == {"github.com:443"}
        proxy.destinations.clear()
        if place not in ("service", "config"):
            scene.keep("demo", **arguments)
            assert proxy.destinations == [], "127.0.0.1 is never asked for through a proxy, unless no_proxy is set"
        proxy.refused.add("github.com:443")
        refused = scene.refuse("org/stackstorm-demo=other", **arguments)
        assert "403" in refused["msg"] and "pw@" not in result.everything + refused.everything


def test_an_index_with_an_authority_of_its_own_that_the_service_trusts(scene: Scene) -> None:
    scene.release("demo", "1.0.0")
    (scene.host.configs / "packs.yaml").write_text("https_proxy: '{{ st2kv.system.proxy }}'\n")
    scene.host.set_service_environment(REQUESTS_CA_BUNDLE=str(scene.ca.ca_file))
    failed = scene.run("demo", ca_bundle=None)
    assert failed["step"] == "fetch", "the index was read, and git asks the store of the system"
    assert "https_proxy from StackStorm's key-value store" in str(failed["warnings"])


def test_plain_http_and_an_index_file(scene: Scene, tmp_path: Path) -> None:
    scene.release("demo", "1.0.0")
    with GitHttpsServer(scene.served) as plain:
        index = tmp_path / "index.json"
        index.write_text(Document(index_document(scene.repositories, plain.url, scene.served)).content().decode())
        scene.change("demo", index_url=[f"file://{index}"], ca_bundle=None)
        assert scene.host.origin("demo").startswith("http://") and plain.fetches


def other_index(scene: Scene, *refs: str) -> t.Dict[str, t.Any]:
    """Return an index that has other repositories for these packs, whose versions are 9.0.0."""
    found = []
    for ref in refs:
        found.append(GitRepository(scene.served / f"other-{ref}.git"))
        found[-1].release(PackTree(ref, "9.0.0", minimal=True))
        found[-1].build()
    return index_document(found, scene.git.url, scene.served)


def test_of_several_indexes_the_leftmost_wins(scene: Scene) -> None:
    scene.release("demo", "1.0.0")
    with IndexServer({INDEX: other_index(scene, "demo", "more")}, scene.ca) as right:
        both = [scene.index_url, f"{right.url}{INDEX}"]
        scene.host.configure("content", index_url=",".join(both))
        scene.change("demo", "more")
        assert (scene.host.pack_version("demo"), scene.host.pack_version("more")) == ("1.0.0", "9.0.0")
        assert "9.0.0 is not a version" in scene.refuse("demo=9.0.0")["msg"], "a whole entry wins"
        scene.change("demo", state="latest", index_url=both[::-1])
        assert scene.host.pack_version("demo") == "9.0.0"
        environment = {"ST2_CONTENT__INDEX_URL": f"{scene.index_url},"}
        assert not scene.run("demo", state="latest", env=environment).changed, "which would go down"
        scene.change("demo", state="latest", allow_downgrade=True, env=environment)
        assert scene.host.pack_version("demo") == "1.0.0"


BROKEN = {
    "empty": {},
    "malformed": "<html>",
    "unresponsive": Document("no", status=503),
}


@pytest.mark.parametrize("kind", [*BROKEN, "gone"])
def test_an_index_that_cannot_be_read_keeps_those_behind_it_silent(scene: Scene, kind: str) -> None:
    documents = {INDEX: BROKEN[kind]} if kind in BROKEN else {}
    scene.release("demo", "1.0.0", "1.1.0")
    with IndexServer(documents, scene.ca) as left:
        broken = f"{left.url}{INDEX}"
        if kind == "gone":
            left.stop()
        scene.host.configure("content", index_url=f"{broken},{scene.index_url}")
        refused = scene.refuse("demo=1.0.0")
        assert refused["step"] == "index" and broken in refused["msg"] and "index_strict" in refused["msg"]
        assert (kind if kind in BROKEN else "unresponsive") in refused["msg"]
        result = scene.change("demo=1.0.0", index_strict=False)
        assert scene.host.pack_version("demo") == "1.0.0", warnings(result)
        scene.satisfied("demo=1.0.0")
        scene.host.configure("content", index_url=f"{scene.index_url},{broken}")
        scene.change("demo=1.1.0", keep_releases=0)
        scene.host.configure("content", index_url=broken)
        assert broken in scene.refuse("demo=1.0.0", index_strict=False)["msg"]


def test_an_index_that_drips_is_given_up(scene: Scene) -> None:
    scene.release("demo", "1.0.0")
    scene.index.documents[INDEX] = Document(scene.index.documents[INDEX], drip=1, drip_size=1)
    refused = scene.refuse("demo", timeout=3)
    assert scene.index_url in refused["msg"] or "timeout of 3 s" in refused["msg"]
